//! `text`.

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind};

pub(super) static TEXT: Declaration =
    Declaration::new("text", "Writes numbers and booleans as text.", |_| {
        Ok(Compiled::text(|text| Ok(text)))
    })
    .takes(&[Kind::Text, Kind::Number, Kind::Boolean])
    .shown(&[
        Example::new("{}", "12.50", r#""12.5""#),
        Example::new("{}", r#"[1, true, "x"]"#, r#"["1", "true", "x"]"#),
    ]);
