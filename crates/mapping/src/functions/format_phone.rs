//! `format_phone` (facts: platform-apis W9).

use std::borrow::Cow;

use rlibphonenumber::{PhoneNumberFormat, Region};

use super::body::Compiled;
use super::declaration::{Declaration, Example, Parameter, Takes};
use super::error::FunctionError;
use super::parameters::Parameters;
use crate::Fault;
use crate::phones;

const FORMATS: [(&str, PhoneNumberFormat); 4] = [
    ("E.164", PhoneNumberFormat::E164),
    ("international", PhoneNumberFormat::International),
    ("national", PhoneNumberFormat::National),
    ("rfc3966", PhoneNumberFormat::RFC3966),
];

pub(super) static FORMAT_PHONE: Declaration = Declaration::new(
    "format_phone",
    "Writes a telephone number in another form, by the real numbering plans. What is no number is an error.",
    compile,
)
.with(&[
    Parameter::optional(
        "format",
        Takes::OneOf(&["E.164", "international", "national", "rfc3966"]),
        "the form",
    )
    .or(r#""E.164""#),
    Parameter::optional(
        "default_country",
        Takes::Text(2),
        "the country (ISO 3166-1) of numbers without a country code; without it they must begin with +",
    ),
])
.shown(&[
    Example::new(
        r#"{"default_country": "US"}"#,
        r#""(650) 253-0000""#,
        r#""+16502530000""#,
    ),
    Example::new(
        r#"{"format": "international", "default_country": "DE"}"#,
        r#""030 901820""#,
        r#""+49 30 901820""#,
    ),
    Example::new(r#"{"format": "national"}"#, r#""+44 20 8366 1177""#, r#""020 8366 1177""#),
    Example::new(
        r#"{"format": "rfc3966", "default_country": "US"}"#,
        r#""650-253-0000 ext. 12""#,
        r#""tel:+1-650-253-0000;ext=12""#,
    ),
]);

fn compile(parameters: &Parameters<'_>) -> Result<Compiled, Fault> {
    let name = parameters.text("format").unwrap_or_default();
    let format = FORMATS.iter().find(|(known, _)| *known == name);
    let format = format.map_or(PhoneNumberFormat::E164, |(_, format)| *format);
    let country = parameters.text("default_country");
    let country = country.map(|code| phones::country(&code)).transpose();
    let country = country.map_err(|fault| fault.under("/default_country"))?;
    Ok(Compiled::text(move |text| {
        let number = phones::parse(&text, country).ok_or_else(|| no_number(country))?;
        Ok(Cow::Owned(number.format_as(format).into_owned()))
    }))
}

fn no_number(country: Option<Region>) -> FunctionError {
    FunctionError::unreadable(match country {
        Some(country) => format!("is no telephone number, neither of {country} nor with + and the code of a country"),
        None => "is no telephone number with + and the code of a country; set `default_country` for those without".to_owned(),
    })
}
