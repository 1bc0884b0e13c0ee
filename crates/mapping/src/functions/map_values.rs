//! `map_values`.

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::lookup::{CASE_SENSITIVE, Missing, looking};
use super::parameters::Parameters;
use crate::Fault;

pub(super) static MAP_VALUES: Declaration = Declaration::new(
    "map_values",
    "Puts other values for some, as a picklist of the one side has for those of the other; the rest stays as it is.",
    compile,
)
.gives(Kind::Any)
.with(&[
    Parameter::required("values", Takes::Table, "what each value becomes: an object"),
    Parameter::optional(
        "default",
        Takes::Any,
        "what a value without an entry becomes; without it such a value stays",
    ),
    CASE_SENSITIVE,
])
.undone("the values the other way round, when they are texts that differ and there is no `default`")
.shown(&[
    Example::new(
        r#"{"values": {"hot": "High", "cold": "Low"}}"#,
        r#""hot""#,
        r#""High""#,
    ),
    Example::new(r#"{"values": {"hot": "High"}}"#, r#"["hot", "warm"]"#, r#"["High", "warm"]"#),
    Example::new(
        r#"{"values": {"yes": true}, "default": false, "case_sensitive": false}"#,
        r#""Yes""#,
        "true",
    ),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    looking(parameters, "values", "map_values", Missing::Stays)
}
