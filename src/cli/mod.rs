//! Words of the operator.

pub mod check;
