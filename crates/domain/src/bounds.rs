//! What a tenant may ask for at most: the operator's side of the contract, passed into the rules that need it.
//!
//! Rules of form (ids, names, paths) are no part of it; they are the same everywhere. What was accepted under
//! wider bounds stays valid: bounds are looked at when something is made or changed.

use std::time::Duration;

/// The bounds; [`Bounds::default`] is what holds without settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a webhook's URL.
    pub url_bytes: usize,
    /// Patterns of one webhook.
    pub patterns: usize,
    /// Parts of one filter; at most [`crate::filter::MOST_NODES`].
    pub filter_parts: usize,
    /// Delays in a webhook's own retry list.
    pub retries: usize,
    /// The longest of these delays.
    pub retry_delay: Duration,
    /// The longest time-out of a webhook's attempts.
    pub timeout: Duration,
    /// The longest time for which a webhook's deliveries are held.
    pub max_age: Duration,
    /// Headers that a webhook adds to its deliveries.
    pub headers: usize,
    /// Bytes of these headers, names and values together.
    pub header_bytes: usize,
    /// The longest overlap of a secret with the one that replaces it, in hours.
    pub overlap_hours: u32,
    /// The longest window in which a source tells repeats, in hours.
    pub dedupe_hours: u32,
    /// Metadata keys of a transform; at most [`tieline_mapping::transform::MAX_METADATA_KEYS`].
    pub transform_keys: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            url_bytes: 2_048,
            patterns: 100,
            filter_parts: 64,
            retries: 50,
            retry_delay: Duration::from_hours(7 * 24),
            timeout: Duration::from_mins(1),
            max_age: Duration::from_hours(30 * 24),
            headers: 20,
            header_bytes: 8_192,
            overlap_hours: 720,
            dedupe_hours: 720,
            transform_keys: 64,
        }
    }
}
