//! What a failure inside the HTTP client means for the caller.

use std::{error::Error as StdError, io};

use hyper_util::client::legacy;
use rustls::AlertDescription;

use super::{error::Error, wire::EndlessHead};

/// Turns the client's error into ours. `taken_up` says whether the request had been handed to
/// a connection for writing; before that, nothing of it can have left.
pub(super) fn classify(error: &legacy::Error, host: &str, taken_up: bool) -> Error {
    if let Some(ours) = causes(error).find_map(|cause| cause.downcast_ref::<Error>()) {
        return ours.clone();
    }
    let reason = root_cause(error);
    if is_refused_certificate(&reason) {
        return Error::Tls {
            host: host.to_owned(),
            reason,
        };
    }
    if !taken_up {
        return Error::Connect {
            host: host.to_owned(),
            reason,
        };
    }
    if causes(error).any(is_malformed) {
        Error::Protocol { reason }
    } else {
        Error::UnknownOutcome { reason }
    }
}

/// What is at the bottom of `error`; what lies above says only where it was noticed.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// `error` and all that caused it.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// Whether the other side refused our certificate, or wants one. With TLS 1.3 that is told only
/// after our side has shaken hands (RFC 8446 4.4.2.4), and before any request is looked at.
///
/// Told by the text, because HTTP/2 hands on nothing else of an I/O error.
fn is_refused_certificate(reason: &str) -> bool {
    const ALERTS: [AlertDescription; 8] = [
        AlertDescription::CertificateRequired,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
    ];
    ALERTS
        .iter()
        .any(|alert| reason == rustls::Error::AlertReceived(*alert).to_string())
}

/// Whether the other side answered with something that is not HTTP within limits.
fn is_malformed(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return error.is_parse();
    }
    if let Some(error) = cause.downcast_ref::<h2::Error>() {
        // What we have noticed ourselves; what the other side complains of is its own trouble.
        return !error.is_io() && !error.is_remote();
    }
    cause
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .is_some_and(<dyn StdError + Send + Sync>::is::<EndlessHead>)
}
