//! Paths, transforms and mappings of JSON: pure functions, no I/O.
//!
//! Everything here is bounded in time, size and depth whatever a tenant writes:
//! [`path`] refuses the selectors that would hang or abort a server, [`depth`] is checked before
//! a body is parsed, and [`transform`] only combines the two.

pub mod depth;
mod nearest;
pub mod path;
pub mod schema;
pub mod template;
pub mod transform;

pub use depth::{TooDeep, check_depth};
pub use nearest::nearest;
pub use path::{Path, PathError, Selection};
pub use schema::Schema;
pub use transform::{CompiledTransform, Transform, TransformError, Transformed};
