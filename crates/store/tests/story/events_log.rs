//! A log of events with deliveries, for the stories of replay, retention and erasure.

use std::{sync::Arc, time::Duration};

use tieline_domain::{
    AttemptId, DeliveryId, DestinationId, EventId, SubscriptionId, TenantId,
    attempt::{Attempt, Seen},
    delivery::{Delivery, Status},
    event::Event,
};
use tieline_store::{
    Db, PageRequest, Store,
    deliveries::DeliveryFilter,
    documents::{Kind, NewDocument},
    spine::{
        Entry, Item, Lease, NewDelivery, Settlement, Spine, SqlSpine, Start, Verdict, replay::Again,
    },
};

use crate::{
    setting::{at, made, tenant, two_tenants},
    spine::node,
};

/// The log of the first tenant, which has one subscription.
pub(crate) struct Log {
    pub(crate) store: Store,
    pub(crate) spine: SqlSpine,
    pub(crate) tenant: TenantId,
    pub(crate) subscription: DestinationId,
}

impl Log {
    pub(crate) async fn open(db: &Db) -> Self {
        let store = two_tenants(db.clone()).await;
        let subscription = DestinationId::Webhook(SubscriptionId::new(at(0), 7));
        let new = NewDocument {
            tenant_id: tenant(1),
            kind: Kind::Subscription,
            id: subscription.to_string(),
            name: None,
            body: "{}".to_owned(),
            sealed: vec![],
            destination: true,
        };
        made(&store, new, 0).await;
        Self {
            spine: node(db, "node_a"),
            store,
            tenant: tenant(1),
            subscription,
        }
    }

    /// The event of this number, which is also its second.
    pub(crate) fn event(&self, number: i64) -> Arc<Event> {
        Arc::new(Event {
            id: event_id(number),
            tenant_id: self.tenant,
            event_type: "order.created".parse().unwrap(),
            source: "/v1/events".into(),
            subject: Some(format!("order/{number}").into()),
            time: at(number),
            data: format!("{{\"n\":{number}}}").into(),
            cause_id: None,
            trace_id: "0".repeat(32).into(),
            trust: None,
        })
    }

    /// Accepts these events, each with a delivery that begins as `start`, or without one.
    pub(crate) async fn accept(
        &self,
        numbers: std::ops::RangeInclusive<i64>,
        start: Option<Start>,
    ) {
        let items = numbers.map(|number| Item {
            once: None,
            entries: vec![Entry {
                event: self.event(number),
                deliveries: start
                    .map(|start| NewDelivery {
                        ordering_key: None,
                        id: DeliveryId::new(at(number), number as u64),
                        destination_id: self.subscription,
                        start,
                    })
                    .into_iter()
                    .collect(),
            }],
        });
        self.spine.accept(items.collect()).await.unwrap();
    }

    /// Delivers all that is due at this second; says how many that were.
    pub(crate) async fn deliver(&self, seconds: i64) -> usize {
        let lease = Lease {
            now: at(seconds),
            until: at(seconds + 60),
        };
        let claimed = self.spine.claim_due(lease, 1_000).await.unwrap();
        for claimed in &claimed {
            let number = claimed.attempts + 1;
            let attempt = Attempt {
                id: AttemptId::new(at(seconds), u64::from(number)),
                delivery_id: claimed.id,
                tenant_id: claimed.tenant_id,
                number,
                started_at: at(seconds),
                duration: Duration::from_millis(1),
                status_code: Some(200),
                error_kind: None,
                seen: Seen {
                    url: "http://receiver".to_owned(),
                    response_excerpt: format!("thanks for {}", claimed.event.data),
                    ..Seen::default()
                },
            };
            let settlement = Settlement {
                line: None,
                delivery_id: claimed.id,
                tenant_id: claimed.tenant_id,
                destination_id: claimed.destination_id,
                first_attempt_at: at(seconds),
                at: at(seconds),
                attempts: number,
                attempt: Some(attempt),
                verdict: Verdict::Delivered { recovery: None },
            };
            self.spine.settle(settlement.into()).await.unwrap();
        }
        claimed.len()
    }

    /// This event, to go to the subscription again.
    pub(crate) fn again(&self, number: i64) -> Again {
        Again {
            ordering_key: None,
            event: self.event(number),
            destination_id: self.subscription,
            new_id: DeliveryId::new(at(50), 1_000 + number as u64),
            start: Start::Due(at(50)),
        }
    }

    pub(crate) async fn deliveries(&self, status: Option<Status>) -> Vec<Delivery> {
        let filter = DeliveryFilter {
            status,
            ..DeliveryFilter::default()
        };
        let page = PageRequest::first(100);
        let list = self.store.list_deliveries(self.tenant, &filter, &page);
        list.await.unwrap().items
    }

    /// How many attempts there are at a delivery.
    pub(crate) async fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.store.list_attempts(self.tenant, id).await.unwrap()
    }
}

/// The id of the event of this number.
pub(crate) fn event_id(number: i64) -> EventId {
    EventId::new(at(number), number as u64)
}
