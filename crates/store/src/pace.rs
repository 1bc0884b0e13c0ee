//! The pace of deliveries, kept over several nodes: turns in time, and permits for attempts at once.
//!
//! The database's clock decides, so that the clocks of nodes need not agree. An embedded database serves one
//! node, which keeps the pace in its memory.

use std::time::Duration;

use sqlx::PgPool;
use tieline_domain::{DestinationId, pace::RateLimit};

use crate::{Db, Result, Store};

/// Now, in microseconds, while the statement runs: also after it has waited for a row.
macro_rules! now {
    () => {
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}

/// A turn further away than this, in microseconds, is from before the database's clock was set back: nodes
/// take turns for less than a second ahead.
macro_rules! furthest_turn {
    () => {
        "60000000"
    };
}

/// A permit that lasts longer than this, in microseconds, is from before the database's clock was set back.
macro_rules! longest_permit {
    () => {
        "600000000"
    };
}

/// A permit for one attempt at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    subscription: DestinationId,
    number: i64,
    owner: String,
}

/// What the nodes on one database agree on.
#[derive(Clone)]
pub struct SharedPace(PgPool);

impl Store {
    /// What nodes have to agree on; `None` where there is only one.
    pub fn shared_pace(&self) -> Option<SharedPace> {
        match self.db() {
            Db::Sqlite(_) => None,
            Db::Postgres(pool) => Some(SharedPace(pool.clone())),
        }
    }
}

impl SharedPace {
    /// Takes `count` turns of a subscription, one [`RateLimit::interval`] apart; answers how long it is until
    /// the first, in microseconds; negative where a pause has left some of the burst.
    pub async fn take_turns(
        &self,
        subscription: DestinationId,
        limit: &RateLimit,
        count: u32,
    ) -> Result<i64> {
        const TAKE: &str = concat!(
            "INSERT INTO paces (subscription_id, next_at) VALUES ($1, ",
            now!(),
            " - $2 + $3) ON CONFLICT (subscription_id) DO UPDATE SET next_at = GREATEST(CASE WHEN paces.next_at > ",
            now!(),
            " + ",
            furthest_turn!(),
            " THEN 0 ELSE paces.next_at END, ",
            now!(),
            " - $2) + $3 RETURNING next_at - $3 - ",
            now!()
        );
        let wait = sqlx::query_scalar(TAKE)
            .bind(subscription.to_string())
            .bind(micros(limit.credit()))
            .bind(micros(limit.interval() * count))
            .fetch_one(&self.0);
        Ok(wait.await?)
    }

    /// Takes one of `most` permits of a subscription for `time`, in the name of `owner`; `None` if all are
    /// taken, or someone else was faster.
    pub async fn take_permit(
        &self,
        subscription: DestinationId,
        most: u32,
        owner: String,
        time: Duration,
    ) -> Result<Option<Permit>> {
        const TAKE: &str = concat!(
            "INSERT INTO permits (subscription_id, number, taken_until, owner) SELECT $1, free.number, ",
            now!(),
            " + $3, $4 FROM generate_series(1, $2) AS free (number) WHERE NOT EXISTS (SELECT 1 FROM permits \
             WHERE permits.subscription_id = $1 AND permits.number = free.number AND permits.taken_until > ",
            now!(),
            " AND permits.taken_until <= ",
            now!(),
            " + ",
            longest_permit!(),
            ") ORDER BY free.number LIMIT 1 ON CONFLICT (subscription_id, number) DO UPDATE SET \
             taken_until = excluded.taken_until, owner = excluded.owner WHERE permits.taken_until <= ",
            now!(),
            " OR permits.taken_until > ",
            now!(),
            " + ",
            longest_permit!(),
            " RETURNING number"
        );
        let number: Option<i64> = sqlx::query_scalar(TAKE)
            .bind(subscription.to_string())
            .bind(i64::from(most))
            .bind(micros(time))
            .bind(&owner)
            .fetch_optional(&self.0)
            .await?;
        Ok(number.map(|number| Permit {
            subscription,
            number,
            owner,
        }))
    }

    /// Keeps a permit for `time` from now; false if it was given up as lost, and someone else has it.
    pub async fn keep_permit(&self, permit: &Permit, time: Duration) -> Result<bool> {
        const KEEP: &str = concat!(
            "UPDATE permits SET taken_until = ",
            now!(),
            " + $1 WHERE subscription_id = $2 AND number = $3 AND owner = $4 AND taken_until > ",
            now!()
        );
        let kept = sqlx::query(KEEP)
            .bind(micros(time))
            .bind(permit.subscription.to_string())
            .bind(permit.number)
            .bind(&permit.owner)
            .execute(&self.0);
        Ok(kept.await?.rows_affected() > 0)
    }

    /// Gives a permit back.
    pub async fn give_permit_back(&self, permit: &Permit) -> Result<()> {
        const GIVE: &str = "UPDATE permits SET taken_until = 0 WHERE subscription_id = $1 AND number = $2 \
                            AND owner = $3";
        let given = sqlx::query(GIVE)
            .bind(permit.subscription.to_string())
            .bind(permit.number)
            .bind(&permit.owner)
            .execute(&self.0);
        given.await?;
        Ok(())
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
