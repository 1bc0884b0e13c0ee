//! Numbers of telephones, by the real numbering plans.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, Region};

use crate::Fault;

/// Longest written number, in bytes: the longest that the plans know.
const MAX_LENGTH: usize = 250;

/// The country of this code (ISO 3166-1), if it has a numbering plan.
///
/// # Errors
///
/// An unknown code, with an empty pointer.
pub(crate) fn country(code: &str) -> Result<Region, Fault> {
    let region = Region::from_code(code).ok();
    let known = |region: &Region| {
        PHONE_NUMBER_UTIL
            .get_country_code_for_region(*region)
            .is_some()
    };
    region.filter(known).ok_or_else(|| {
        let code = crate::excerpt(code);
        let detail =
            format!("`{code}` is no country with telephones; write two letters such as US or DE");
        Fault::new("", detail)
    })
}

/// The number that is written, if it is one that can be called.
pub(crate) fn parse(text: &str, country: Option<Region>) -> Option<PhoneNumber> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(text, country).ok()?;
    number.is_valid().then_some(number)
}
