//! The words of the operator.

pub mod probe;
