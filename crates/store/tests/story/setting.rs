//! Who and when the stories tell of.

use tieline_domain::{TenantId, Timestamp};
use tieline_store::{
    ChangeBy, Db, Store,
    documents::{Document, NewDocument},
};

/// The instant `seconds` after the stories begin.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000 + seconds * 1_000_000)
}

/// A change by the owner at that instant.
pub(crate) fn by(seconds: i64) -> ChangeBy {
    ChangeBy {
        actor: "key_owner".to_owned(),
        request_id: Some(format!("req_{seconds}")),
        at: at(seconds),
    }
}

/// The tenants of the stories, by number.
pub(crate) fn tenant(number: u64) -> TenantId {
    TenantId::new(at(number as i64), number)
}

/// A store with the tenants 1 and 2.
pub(crate) async fn two_tenants(db: Db) -> Store {
    let store = Store::new(db);
    for number in [1, 2] {
        let name = format!("tenant {number}");
        store
            .create_tenant(tenant(number), &name, &by(number as i64))
            .await
            .unwrap();
    }
    store
}

/// A document that is made at that instant.
pub(crate) async fn made(store: &Store, new: NewDocument, seconds: i64) -> Document {
    store.create_document(new, &by(seconds)).await.unwrap()
}
