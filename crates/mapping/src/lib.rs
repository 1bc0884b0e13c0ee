//! Paths, transforms and mappings of JSON: pure functions, no I/O.
