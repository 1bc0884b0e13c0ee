//! The pace of deliveries, as the API takes and shows it.

use serde::{Deserialize, Serialize};
use tieline_domain::pace::RateLimit;
use utoipa::ToSchema;

/// How fast deliveries go out at most, over all nodes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"per_second": 10, "burst": 1}))]
pub struct RateLimitView {
    /// How many in any second: 1 to 10000.
    per_second: u32,
    /// How many may go out at once after a pause: 1 to 10000; 1 if absent. A second then sees up to
    /// `per_second + burst - 1`.
    #[serde(default = "one")]
    #[schema(default = 1)]
    burst: u32,
}

fn one() -> u32 {
    1
}

impl From<RateLimitView> for RateLimit {
    fn from(RateLimitView { per_second, burst }: RateLimitView) -> Self {
        Self { per_second, burst }
    }
}

impl From<RateLimit> for RateLimitView {
    fn from(RateLimit { per_second, burst }: RateLimit) -> Self {
        Self { per_second, burst }
    }
}
