//! Bodies of requests that are kept, or shown, field by field as they are.

/// Makes one struct of another that has the same fields. Each is named, so that a new one stops the compiler; one that
/// is kept in another form says how it is made.
macro_rules! same_fields {
    ($from:ident => $to:ident { $($field:ident $(: $made:expr)?),* $(,)? }) => {
        impl From<$from> for $to {
            fn from(from: $from) -> Self {
                let $from { $($field),* } = from;
                Self { $($field $(: $made)?),* }
            }
        }
    };
}

pub(super) use same_fields;
