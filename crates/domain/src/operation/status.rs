//! What the status of an answer means for the caller.

use super::ErrorKind;

/// Statuses with a meaning of their own (RFC 9110, 15; RFC 6585).
const ROWS: [(u16, ErrorKind); 14] = [
    (400, ErrorKind::BadInput),
    (401, ErrorKind::AuthRequired),
    (403, ErrorKind::Forbidden),
    (404, ErrorKind::NotFound),
    (408, ErrorKind::Retry),
    (409, ErrorKind::Conflict),
    (410, ErrorKind::NotFound),
    (412, ErrorKind::Conflict),
    (413, ErrorKind::BadInput),
    (422, ErrorKind::BadInput),
    (423, ErrorKind::Conflict),
    (425, ErrorKind::Retry),
    (429, ErrorKind::RateLimited),
    (503, ErrorKind::Retry),
];

/// What kind of failure an answer with this status is; `None` for 2xx, which is a success.
pub fn of_status(status: u16) -> Option<ErrorKind> {
    if (200..300).contains(&status) {
        return None;
    }
    let row = ROWS.iter().find(|(known, _)| *known == status);
    Some(row.map_or(ErrorKind::UpstreamError, |(_, kind)| *kind))
}
