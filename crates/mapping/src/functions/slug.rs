//! `slug`.

use std::borrow::Cow;

use super::body::Compiled;
use super::declaration::{Declaration, Example, Parameter, Takes};
use super::parameters::Parameters;

/// Letters beyond ASCII and how they are usually written with it.
const LETTERS: &[(&str, &str)] = &[
    ("áàâãåāăą", "a"),
    ("ä", "ae"),
    ("æ", "ae"),
    ("çćčĉċ", "c"),
    ("ďđð", "d"),
    ("éèêëēĕėęě", "e"),
    ("ğĝġģ", "g"),
    ("íìîïĩīĭįı", "i"),
    ("łľĺļ", "l"),
    ("ñńňņ", "n"),
    ("óòôõøōŏő", "o"),
    ("ö", "oe"),
    ("œ", "oe"),
    ("řŕŗ", "r"),
    ("śšşŝș", "s"),
    ("ß", "ss"),
    ("ťţț", "t"),
    ("úùûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ýÿŷ", "y"),
    ("žźż", "z"),
    ("þ", "th"),
];

pub(super) static SLUG: Declaration = Declaration::new(
    "slug",
    "Writes text as the names of things in URLs and picklists are written: small letters and digits of ASCII, and \
     one sign between words. Letters without a usual way in ASCII are left out.",
    |parameters| Ok(compile(parameters)),
)
.with(&[
    Parameter::optional("separator", Takes::OneOf(&["-", "_"]), "the sign between words")
        .or(r#""-""#),
])
.shown(&[
    Example::new("{}", r#""Lead Source (2024)""#, r#""lead-source-2024""#),
    Example::new(r#"{"separator": "_"}"#, r#""Größe & Maß""#, r#""groesse_mass""#),
]);

fn compile(parameters: &Parameters<'_>) -> Compiled {
    let separator = parameters.text("separator").unwrap_or_default();
    Compiled::text(move |text| Ok(Cow::Owned(slug(&text, &separator))))
}

fn slug(text: &str, separator: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut between = false;
    for letter in text.chars().flat_map(char::to_lowercase) {
        let mut known = LETTERS.iter();
        if matches!(letter, '\'' | '’') {
            continue;
        }
        let plain = letter.is_ascii_alphanumeric().then(|| letter.to_string());
        let written = plain.or_else(|| {
            let found = known.find(|(letters, _)| letters.contains(letter));
            found.map(|(_, written)| (*written).to_owned())
        });
        let Some(written) = written else {
            between = true;
            continue;
        };
        if between && !out.is_empty() {
            out.push_str(separator);
        }
        between = false;
        out.push_str(&written);
    }
    out
}
