//! The audit log: every change with what was before and after.

use tieline_domain::TenantId;
use tieline_store::{
    PageRequest, Store,
    audit::{AuditEntry, AuditFilter},
    documents::Kind,
};

use crate::{
    documents::{source, source_id, to},
    engines::on_every_engine,
    setting::{at, by, made, tenant, two_tenants},
};

/// What the log tells of a source, the newest first.
pub(crate) async fn audit_of(store: &Store, tenant: TenantId, id: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter {
        object_kind: Some("source".to_owned()),
        object_id: Some(id.to_owned()),
    };
    let page = store
        .list_audit(tenant, &filter, &PageRequest::first(100))
        .await
        .unwrap();
    assert_eq!(page.next, None);
    page.items
}

#[tokio::test]
async fn every_change_is_in_the_audit_log() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (tenant, id) = (tenant(1), source_id(10));
        made(&store, source(tenant, 10, None), 10).await;
        let new = to("[]", None, None);
        store
            .replace_document(tenant, Kind::Source, &id, new, &by(11))
            .await
            .unwrap();
        store
            .delete_document(tenant, Kind::Source, &id, None, &by(12))
            .await
            .unwrap();
        let log = audit_of(&store, tenant, &id).await;
        let told: Vec<_> = log
            .iter()
            .map(|e| (&*e.action, e.before.as_deref(), e.after.as_deref(), e.at))
            .collect();
        let first = r#"{"n":10}"#;
        assert_eq!(
            told,
            [
                ("delete", Some("[]"), None, at(12)),
                ("update", Some(first), Some("[]"), at(11)),
                ("create", None, Some(first), at(10)),
            ]
        );
        assert_eq!(log[0].request_id.as_deref(), Some("req_12"));
        assert_eq!(
            (&*log[0].actor, &*log[0].object_kind),
            ("key_owner", "source")
        );
        let filter = AuditFilter {
            object_kind: Some("tenant".to_owned()),
            object_id: None,
        };
        let tenants = store
            .list_audit(tenant, &filter, &PageRequest::first(9))
            .await
            .unwrap();
        assert_eq!(tenants.items.len(), 1);
        let page = store
            .list_audit(tenant, &AuditFilter::default(), &PageRequest::first(3))
            .await
            .unwrap();
        let rest = PageRequest {
            limit: 3,
            after: page.next,
        };
        let rest = store
            .list_audit(tenant, &AuditFilter::default(), &rest)
            .await
            .unwrap();
        assert_eq!((rest.items.len(), rest.next), (1, None));
    })
    .await;
}
