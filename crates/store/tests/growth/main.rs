//! Fills a store as years would: many events, many tenants, many retries that wait. Not a test but a tool of
//! `scripts/soak-growth.sh`, which sets what is read from the environment; run without it, it does nothing.
//!
//! | variable | |
//! | --- | --- |
//! | `TIELINE_GROWTH_DATABASE` | the database: an SQLite file or a `postgres://` URL |
//! | `TIELINE_GROWTH_EVENTS` | how many events: 100,000 if not given |
//! | `TIELINE_GROWTH_TENANTS` | how many tenants: a thousandth of the events |
//! | `TIELINE_GROWTH_WAITING` | how many of the events have a delivery that waits: a tenth |

#![expect(clippy::unwrap_used, reason = "a tool that cannot go on should panic")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use tieline_domain::{
    DeliveryId, DestinationId, EventId, SubscriptionId, TenantId, Timestamp, clock::Clock,
    event::Event,
};
use tieline_store::{
    ChangeBy, Db, Options, Store,
    documents::{Kind, NewDocument},
    spine::{Entry, Item, NewDelivery, Spine, SqlSpine, Start, Tuning},
};

/// How many events one request to the spine brings, and how many requests are under way.
const BATCH: u64 = 500;
const AT_ONCE: usize = 16;

/// The waiting retries are due from this on: none while it is measured.
const FIRST_DUE: Duration = Duration::from_hours(24);

#[expect(
    clippy::disallowed_methods,
    reason = "a tool of the tests is configured by its run, not by the program's settings"
)]
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    given(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// A tenant with its only subscription.
#[derive(Clone, Copy)]
struct Owner {
    tenant: TenantId,
    subscription: DestinationId,
}

struct Filler {
    store: Store,
    spine: SqlSpine,
    clock: Clock,
    owners: Vec<Owner>,
}

impl Filler {
    async fn make_owner(&self) -> Owner {
        let by = |at| ChangeBy {
            actor: "growth".to_owned(),
            request_id: None,
            at,
        };
        let at = self.clock.unique_now();
        let owner = Owner {
            tenant: TenantId::new(at, at.as_micros().unsigned_abs()),
            subscription: DestinationId::Webhook(SubscriptionId::new(
                at,
                at.as_micros().unsigned_abs(),
            )),
        };
        self.store
            .create_tenant(owner.tenant, "grown", &by(at))
            .await
            .unwrap();
        let new = NewDocument {
            tenant_id: owner.tenant,
            kind: Kind::Subscription,
            id: owner.subscription.to_string(),
            name: None,
            body: r#"{"url":"http://127.0.0.1:9102/","events":["grown.*"]}"#.to_owned(),
            sealed: vec![],
            destination: true,
        };
        self.store
            .create_document(new, &by(self.clock.unique_now()))
            .await
            .unwrap();
        owner
    }

    /// Writes events `from` to `from + count`, of which one in `every` waits for its retry.
    async fn batch(&self, from: u64, count: u64, every: u64) {
        let items = (from..from + count).map(|number| self.item(number, number % every == 0));
        self.spine.accept(items.collect()).await.unwrap();
    }

    fn item(&self, number: u64, waits: bool) -> Item {
        let owner = self.owners[number as usize % self.owners.len()];
        let at = self.clock.unique_now();
        let delivery = waits.then(|| NewDelivery {
            ordering_key: None,
            id: DeliveryId::new(at, number),
            destination_id: owner.subscription,
            start: Start::Due(at.plus(FIRST_DUE + Duration::from_millis(number))),
        });
        Item {
            once: None,
            entries: vec![Entry {
                event: Arc::new(event(owner.tenant, number, at)),
                deliveries: delivery.into_iter().collect(),
            }],
        }
    }
}

fn event(tenant: TenantId, number: u64, at: Timestamp) -> Event {
    Event {
        id: EventId::new(at, number),
        tenant_id: tenant,
        event_type: "grown.up".parse().unwrap(),
        source: "/v1/events".into(),
        subject: None,
        time: at,
        data: format!("{{\"number\":{number},\"padding\":\"{:0>400}\"}}", "").into(),
        cause_id: None,
        trace_id: format!("{number:032x}").into(),
        trust: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fill() {
    let Some(database) = given("TIELINE_GROWTH_DATABASE") else {
        return;
    };
    let events = number("TIELINE_GROWTH_EVENTS", 100_000);
    let tenants = number("TIELINE_GROWTH_TENANTS", (events / 1_000).max(1));
    let waiting = number("TIELINE_GROWTH_WAITING", events / 10).max(1);
    let begun = Instant::now();
    let db = Db::open(&database, &Options::default()).await.unwrap();
    db.migrate().await.unwrap();
    let clock = Clock::system();
    let tuning = Tuning {
        queue: 1_000,
        writers: 2,
    };
    let mut filler = Filler {
        spine: SqlSpine::start(db.clone(), "growth", &clock, &tuning).unwrap(),
        store: Store::new(db.clone()),
        clock,
        owners: Vec::new(),
    };
    for _ in 0..tenants {
        let owner = filler.make_owner().await;
        filler.owners.push(owner);
    }
    let every = (events / waiting).max(1);
    let batches = stream::iter((0..events).step_by(BATCH as usize));
    let write = |from| filler.batch(from, BATCH.min(events - from), every);
    batches.for_each_concurrent(AT_ONCE, write).await;
    let depth = filler.spine.depth(u64::MAX).await.unwrap();
    assert_eq!(depth.pending, events.div_ceil(every));
    db.checkpoint().await.unwrap();
    db.close().await;
    report(&format!(
        "{events} events, {tenants} tenants, {} waiting retries in {:.0?}",
        depth.pending,
        begun.elapsed()
    ));
}

#[expect(clippy::print_stderr, reason = "whoever fills a store wants to see it")]
fn report(what: &str) {
    eprintln!("growth: {what}");
}
