//! The program's parts, as a library so that black-box tests can start them.

pub mod outbound;
