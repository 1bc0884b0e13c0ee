//! The clock: signatures, tokens and schedules depend on it.

use std::{
    fs,
    time::{Duration, UNIX_EPOCH},
};

use tieline_domain::{Timestamp, clock::Clock};
use tieline_store::Db;

use super::Finding;
use crate::{
    cli::amount::time_in_words,
    config::{Config, Database},
};

const ABOUT: &str = "clock";

/// A difference to warn of: leases of several nodes begin to disagree.
const NOTABLE: Duration = Duration::from_secs(2);
/// A difference at which signed requests are refused (the usual tolerance is five minutes).
const HARMFUL: Duration = Duration::from_mins(1);

/// Compares the clock with that of the database server, or with when an embedded database was last
/// written, which cannot lie ahead.
pub(super) async fn check(config: &Config, db: Option<&Db>) -> Finding {
    let now = Clock::system().now();
    if let Some(db) = db {
        match db.server_time().await {
            Ok(Some(theirs)) => {
                let apart = now.since(theirs).max(theirs.since(now));
                return judge(now, apart, "from the database server's clock");
            }
            Ok(None) => {}
            Err(error) => return Finding::fail(ABOUT, error.to_string()),
        }
    }
    let ahead = last_written(config).map_or(Duration::ZERO, |written| written.since(now));
    judge(now, ahead, "behind the last change of the database")
}

fn judge(now: Timestamp, apart: Duration, what: &str) -> Finding {
    if apart < NOTABLE {
        return Finding::ok(ABOUT, now.to_string());
    }
    let apart_words = time_in_words(apart);
    let text = format!("{now} is {apart_words} {what}; synchronize it (NTP)");
    if apart < HARMFUL {
        Finding::warn(ABOUT, text)
    } else {
        Finding::fail(ABOUT, text)
    }
}

fn last_written(config: &Config) -> Option<Timestamp> {
    let Database::Sqlite(file) = &config.database else {
        return None;
    };
    let modified = fs::metadata(file).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros())
        .ok()
        .map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn small_differences_are_no_concern() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        for (millis, state) in [
            (0, State::Ok),
            (1_999, State::Ok),
            (2_000, State::Warn),
            (60_000, State::Fail),
        ] {
            let finding = judge(now, Duration::from_millis(millis), "off");
            assert_eq!(finding.state, state, "{millis} ms");
        }
    }
}
