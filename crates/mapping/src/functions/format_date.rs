//! `format_date` (facts: platform-apis W9).

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::body::Compiled;
use super::declaration::{Declaration, Example, Kind, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;
use crate::dates::{Layout, MAX_LENGTH, read, zone};

const INPUT_FORMAT: Parameter = Parameter::optional(
    "input_format",
    Takes::Text(MAX_LENGTH),
    "how the value is written; without it the usual written forms and seconds or milliseconds since 1970 are read",
);
const OUTPUT_FORMAT: Parameter = Parameter::optional(
    "output_format",
    Takes::Text(MAX_LENGTH),
    "how it is to be written: letters (`YYYY-MM-DD HH:mm`), strftime (`%Y-%m-%d`), or `rfc3339`, `rfc2822`, `epoch` or \
     `epoch_ms`",
)
.or(r#""YYYY-MM-DD""#);
const TIMEZONE: Parameter = Parameter::optional(
    "timezone",
    Takes::Text(64),
    "the zone that it is written in, such as `Europe/Berlin` or `+02:00`",
)
.or(r#""UTC""#);
const INPUT_TIMEZONE: Parameter = Parameter::optional(
    "input_timezone",
    Takes::Text(64),
    "the zone of values that have a time but name no zone",
)
.or(r#""UTC""#);
const DAY_FIRST: Parameter = Parameter::optional(
    "day_first",
    Takes::Boolean,
    "whether `03/04/2024` is the third of April; between dots the day always comes first",
)
.or("false");

pub(super) static FORMAT_DATE: Declaration = Declaration::new(
    "format_date",
    "Writes a date or a time in another form. A day without a time stays the same day in every zone.",
    compile,
)
.takes(&[Kind::Date, Kind::Text, Kind::Number])
.gives(Kind::Date)
.with(&[INPUT_FORMAT, OUTPUT_FORMAT, TIMEZONE, INPUT_TIMEZONE, DAY_FIRST])
.undone("`format_date` with the formats and the zones exchanged, when `input_format` is given; exact while the output keeps all of the date")
.shown(&[
    Example::new("{}", r#""March 4, 2024 3:05 PM""#, r#""2024-03-04""#),
    Example::new(
        r#"{"output_format": "DD.MM.YYYY HH:mm", "timezone": "Europe/Berlin"}"#,
        r#""2024-03-10T15:04:05Z""#,
        r#""10.03.2024 16:04""#,
    ),
    Example::new(
        r#"{"output_format": "rfc3339", "input_timezone": "America/New_York"}"#,
        r#""2024-07-01 09:00""#,
        r#""2024-07-01T13:00:00Z""#,
    ),
    Example::new(
        r#"{"input_format": "DD/MM/YYYY", "output_format": "%Y%m%d"}"#,
        r#""04/03/2024""#,
        r#""20240304""#,
    ),
    Example::new(r#"{"output_format": "epoch_ms"}"#, "1710082800", "1710082800000"),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let input = parameters.text("input_format");
    let input = input.map(|format| Layout::compile(&format)).transpose();
    let input = input.map_err(|fault| fault.under("/input_format"))?;
    let output = parameters.text("output_format").unwrap_or_default();
    let output = Layout::compile(&output).map_err(|fault| fault.under("/output_format"))?;
    let to = zone_of(parameters, "timezone")?;
    let from = zone_of(parameters, "input_timezone")?;
    let day_first = parameters.flag("day_first");
    let undo = input
        .as_ref()
        .map(|input| exchanged(parameters, input, &output));
    let compiled = Compiled::value(move |value, _| {
        let moment = match &input {
            Some(layout) => layout.parse(&value),
            None => read(&value, day_first),
        };
        let written = moment.and_then(|moment| output.write(&moment, &from, &to));
        let written = written.map_err(|error| FunctionError::unreadable(error.to_string()))?;
        Ok(Cow::Owned(written))
    });
    Ok(match undo {
        Some(parameters) => compiled.undone_by("format_date", parameters),
        None => compiled,
    })
}

fn zone_of(parameters: &Parameters<'_>, name: &str) -> Result<TimeZone, Fault> {
    let zone_name = parameters.text(name).unwrap_or_default();
    zone(&zone_name).map_err(|fault| fault.under(&format!("/{name}")))
}

fn exchanged(parameters: &Parameters<'_>, input: &Layout, output: &Layout) -> Map<String, Value> {
    let zone = |name| Value::from(parameters.text(name).unwrap_or_default());
    Map::from_iter([
        ("input_format".to_owned(), output.source().into()),
        ("output_format".to_owned(), input.source().into()),
        ("timezone".to_owned(), zone("input_timezone")),
        ("input_timezone".to_owned(), zone("timezone")),
    ])
}
