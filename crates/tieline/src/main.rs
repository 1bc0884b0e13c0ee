//! Tieline: the program.

fn main() {}
