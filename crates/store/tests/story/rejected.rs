//! Refused requests: the newest of each source.

use tieline_domain::{RequestId, SourceId, TenantId};
use tieline_store::{PageRequest, Store, rejected::Rejected};

use crate::{
    engines::on_every_engine,
    setting::{at, tenant},
};

fn source(number: u64) -> SourceId {
    SourceId::new(at(0), number)
}

fn refused(tenant_id: TenantId, source_id: SourceId, number: i64) -> Rejected {
    Rejected {
        id: RequestId::new(at(number), number as u64),
        source_id,
        tenant_id,
        at: at(number),
        reason: "signature".to_owned(),
        detail: "the signature is missing".to_owned(),
        request: format!(r#"{{"n":{number}}}"#),
    }
}

async fn listed(store: &Store, tenant: TenantId, source: SourceId) -> Vec<Rejected> {
    store
        .list_rejected(tenant, source, &PageRequest::first(100))
        .await
        .unwrap()
        .items
}

#[tokio::test]
async fn of_each_source_the_newest_are_kept() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let (one, two) = (source(1), source(2));
        let row = |source, number| refused(tenant(1), source, number);
        store
            .add_rejected(&[row(one, 1), row(two, 2), row(one, 3)], 3)
            .await
            .unwrap();
        store
            .add_rejected(&[row(one, 4), row(one, 5)], 3)
            .await
            .unwrap();
        assert_eq!(
            listed(&store, tenant(1), one).await,
            [row(one, 5), row(one, 4), row(one, 3)]
        );
        assert_eq!(listed(&store, tenant(1), two).await, [row(two, 2)]);
        assert_eq!(listed(&store, tenant(2), one).await, []);

        let page = store
            .list_rejected(tenant(1), one, &PageRequest::first(2))
            .await
            .unwrap();
        let next = PageRequest {
            limit: 2,
            after: page.next,
        };
        let page = store.list_rejected(tenant(1), one, &next).await.unwrap();
        assert_eq!((page.items, page.next), (vec![row(one, 3)], None));
        store.add_rejected(&[], 3).await.unwrap();
    })
    .await;
}
