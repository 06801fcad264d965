//! Servers of every kind that misbehaves.
