//! Configuration objects: versions, names, tombstones, secrets, tenants.

use tieline_domain::{DestinationId, SourceId, SubscriptionId, TenantId};
use tieline_store::{
    Error, PageRequest,
    audit::AuditFilter,
    documents::{
        ChangedDocument,
        Kind::{self, Source},
        NewDocument, Replacement, SealedChange,
    },
    sealed::{NewSealed, SealedKind},
};

use crate::{
    audit::audit_of,
    engines::on_every_engine,
    setting::{at, by, made, tenant, two_tenants},
};

pub(crate) fn source_id(number: u64) -> String {
    SourceId::new(at(number as i64), number).to_string()
}

pub(crate) fn source(tenant_id: TenantId, number: u64, name: Option<&str>) -> NewDocument {
    NewDocument {
        tenant_id,
        kind: Source,
        id: source_id(number),
        name: name.map(str::to_owned),
        body: format!(r#"{{"n":{number}}}"#),
        sealed: vec![NewSealed {
            tenant_id,
            kind: SealedKind::Source,
            name: source_id(number),
            id: source_id(number),
            description: None,
            sealed: b"sealed".to_vec(),
        }],
        destination: false,
    }
}

pub(crate) fn to(body: &str, name: Option<&str>, expected: Option<i64>) -> Replacement {
    Replacement {
        name: name.map(str::to_owned),
        body: body.to_owned(),
        expected,
    }
}

#[tokio::test]
async fn a_document_is_made_found_changed_and_deleted() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (tenant, id) = (tenant(1), source_id(10));
        let made = made(&store, source(tenant, 10, None), 10).await;
        assert_eq!((made.version, made.created_at), (1, at(10)));
        let found = store.find_document(tenant, Source, &id).await.unwrap();
        assert_eq!(found, Some(made.clone()));
        let found = store.find_document_anywhere(Source, &id).await.unwrap();
        assert_eq!(found, Some(made.clone()));

        let new = to("{}", None, Some(1));
        let changed = store
            .replace_document(tenant, Source, &id, new, &by(11))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((changed.version, &*changed.body), (2, "{}"));
        assert_eq!((changed.created_at, changed.updated_at), (at(10), at(11)));
        let found = store.find_document(tenant, Source, &id).await.unwrap();
        assert_eq!(found, Some(changed));

        assert!(
            store
                .delete_document(tenant, Source, &id, Some(2), &by(12))
                .await
                .unwrap()
        );
        assert!(
            !store
                .delete_document(tenant, Source, &id, None, &by(13))
                .await
                .unwrap()
        );
        assert_eq!(
            store.find_document(tenant, Source, &id).await.unwrap(),
            None
        );
        assert_eq!(
            store.find_document_anywhere(Source, &id).await.unwrap(),
            None
        );
        let new = to("{}", None, None);
        assert_eq!(
            store
                .replace_document(tenant, Source, &id, new, &by(14))
                .await
                .unwrap(),
            None
        );
        let values = store
            .current_sealed(tenant, SealedKind::Source, &id, at(14))
            .await
            .unwrap();
        assert_eq!(values, []);
    })
    .await;
}

#[tokio::test]
async fn a_writer_who_saw_another_version_changes_nothing() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (tenant, id) = (tenant(1), source_id(10));
        made(&store, source(tenant, 10, None), 10).await;
        let new = to("{}", None, Some(7));
        let refused = store
            .replace_document(tenant, Source, &id, new, &by(11))
            .await;
        assert!(
            matches!(refused, Err(Error::Conflict { current: 1 })),
            "{refused:?}"
        );
        let refused = store
            .delete_document(tenant, Source, &id, Some(7), &by(11))
            .await;
        assert!(
            matches!(refused, Err(Error::Conflict { current: 1 })),
            "{refused:?}"
        );
        let found = store
            .find_document(tenant, Source, &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.version, found.updated_at), (1, at(10)));
    })
    .await;
}

#[tokio::test]
async fn writers_at_once_each_get_a_version() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let (tenant, id) = (tenant(1), source_id(10));
        made(&store, source(tenant, 10, None), 10).await;
        let write = |n: i64| {
            let (store, id) = (store.clone(), id.clone());
            async move {
                let new = to(&n.to_string(), None, None);
                store
                    .replace_document(tenant, Source, &id, new, &by(n))
                    .await
                    .unwrap()
                    .unwrap()
                    .version
            }
        };
        let mut versions = futures::future::join_all((20..28).map(write)).await;
        versions.sort_unstable();
        assert_eq!(versions, (2..10).collect::<Vec<_>>());
        let log = audit_of(&store, tenant, &id).await;
        assert_eq!(log.len(), 9);
        // What one change left behind is what the next one found.
        let found: Vec<_> = log
            .iter()
            .filter_map(|entry| entry.before.clone())
            .collect();
        let left: Vec<_> = log.iter().filter_map(|entry| entry.after.clone()).collect();
        assert!(found.iter().all(|body| left.contains(body)));
        assert_eq!(
            found
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            8
        );
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_until_its_document_is_deleted() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        made(&store, source(tenant(1), 10, Some("a")), 10).await;
        let refused = store
            .create_document(source(tenant(1), 11, Some("a")), &by(11))
            .await;
        assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");
        // Nothing of the refused one stays: not its secret, not its row in the log.
        let values = store
            .current_sealed(tenant(1), SealedKind::Source, &source_id(11), at(11))
            .await;
        assert_eq!(values.unwrap(), []);
        assert_eq!(audit_of(&store, tenant(1), &source_id(11)).await, []);

        made(&store, source(tenant(2), 12, Some("a")), 12).await;
        made(&store, source(tenant(1), 13, Some("b")), 13).await;
        let new = to("{}", Some("a"), None);
        let refused = store
            .replace_document(tenant(1), Source, &source_id(13), new.clone(), &by(14))
            .await;
        assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");
        store
            .delete_document(tenant(1), Source, &source_id(10), None, &by(15))
            .await
            .unwrap();
        let renamed = store
            .replace_document(tenant(1), Source, &source_id(13), new, &by(16))
            .await;
        assert_eq!(renamed.unwrap().unwrap().name.as_deref(), Some("a"));
    })
    .await;
}

#[tokio::test]
async fn lists_go_from_new_to_old_page_by_page() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        for number in 10..15 {
            store
                .create_document(source(tenant(1), number, None), &by(number as i64))
                .await
                .unwrap();
        }
        made(&store, source(tenant(2), 20, None), 20).await;
        let mut page = PageRequest::first(2);
        let mut pages = Vec::new();
        loop {
            let found = store
                .list_documents(tenant(1), Source, &page)
                .await
                .unwrap();
            pages.push(
                found
                    .items
                    .into_iter()
                    .map(|document| document.id)
                    .collect::<Vec<_>>(),
            );
            page.after = found.next;
            if page.after.is_none() {
                break;
            }
        }
        let expected = [vec![14, 13], vec![12, 11], vec![10]];
        assert_eq!(
            pages,
            expected.map(|page| page.into_iter().map(source_id).collect::<Vec<_>>())
        );
        let whole = store
            .list_documents(tenant(1), Source, &PageRequest::first(5))
            .await
            .unwrap();
        assert_eq!((whole.items.len(), whole.next), (5, None));
        let all = store.all_documents(tenant(1), Source).await.unwrap();
        assert_eq!(all.len(), 5);
        assert_eq!(
            store
                .all_documents(tenant(1), Kind::Subscription)
                .await
                .unwrap(),
            []
        );
    })
    .await;
}

#[tokio::test]
async fn no_tenant_reaches_the_documents_of_another() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let id = source_id(10);
        made(&store, source(tenant(1), 10, None), 10).await;
        assert_eq!(
            store.find_document(tenant(2), Source, &id).await.unwrap(),
            None
        );
        let new = to("{}", None, None);
        let changed = store
            .replace_document(tenant(2), Source, &id, new, &by(11))
            .await;
        assert_eq!(changed.unwrap(), None);
        assert!(
            !store
                .delete_document(tenant(2), Source, &id, None, &by(12))
                .await
                .unwrap()
        );
        assert_eq!(store.all_documents(tenant(2), Source).await.unwrap(), []);
        assert_eq!(audit_of(&store, tenant(2), &id).await, []);
        let whole = store
            .list_audit(tenant(2), &AuditFilter::default(), &PageRequest::first(9))
            .await;
        assert!(
            whole
                .unwrap()
                .items
                .iter()
                .all(|entry| entry.tenant_id == tenant(2))
        );
    })
    .await;
}

#[tokio::test]
async fn changes_are_told_with_tombstones() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        for number in [10, 11, 12] {
            store
                .create_document(source(tenant(1), number, None), &by(number as i64))
                .await
                .unwrap();
        }
        store
            .delete_document(tenant(1), Source, &source_id(10), None, &by(20))
            .await
            .unwrap();
        let told = store.documents_changed_since(at(12)).await.unwrap();
        let change = |number, seconds| ChangedDocument {
            tenant_id: tenant(1),
            kind: Source,
            id: source_id(number),
            updated_at: at(seconds),
        };
        assert_eq!(told, [change(12, 12), change(10, 20)]);
    })
    .await;
}

#[tokio::test]
async fn a_destination_has_one_health() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let new = NewDocument {
            kind: Kind::Subscription,
            id: DestinationId::Webhook(SubscriptionId::new(at(10), 1)).to_string(),
            sealed: Vec::new(),
            destination: true,
            ..source(tenant(1), 10, None)
        };
        made(&store, new.clone(), 10).await;
        // The document is of another kind and could be made: what is taken is the health.
        let twin = NewDocument {
            kind: Source,
            ..new
        };
        let refused = store.create_document(twin.clone(), &by(11)).await;
        assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");
        assert_eq!(
            store
                .find_document_anywhere(Source, &twin.id)
                .await
                .unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn a_document_is_found_by_its_name_while_it_lives() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let named = source(tenant(1), 10, Some("a.b"));
        let made = made(&store, named, 10).await;
        let find = async |owner, kind, name| {
            let found = store.find_named_document(tenant(owner), kind, name).await;
            found.unwrap()
        };
        assert_eq!(find(1, Source, "a.b").await, Some(made.clone()));
        assert_eq!(find(1, Source, "a.B").await, None);
        assert_eq!(find(2, Source, "a.b").await, None, "another tenant");
        assert_eq!(find(1, Kind::EventType, "a.b").await, None, "another kind");
        let id = made.id;
        let by = by(11);
        let deleted = store.delete_document(tenant(1), Source, &id, None, &by);
        assert!(deleted.await.unwrap());
        assert_eq!(find(1, Source, "a.b").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_sealed_value_changes_and_goes_with_its_document() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let id = DestinationId::Webhook(SubscriptionId::new(at(10), 1)).to_string();
        let sealed = |kind, bytes: &[u8]| NewSealed {
            tenant_id: tenant(1),
            kind,
            name: id.clone(),
            id: id.clone(),
            description: None,
            sealed: bytes.to_vec(),
        };
        let new = NewDocument {
            kind: Kind::Subscription,
            id: id.clone(),
            sealed: vec![sealed(SealedKind::Subscription, b"secret")],
            destination: true,
            ..source(tenant(1), 10, None)
        };
        made(&store, new, 10).await;
        let now = async |kind| -> Vec<Vec<u8>> {
            let versions = store.current_sealed(tenant(1), kind, &id, at(50)).await;
            versions
                .unwrap()
                .into_iter()
                .map(|version| version.sealed)
                .collect()
        };
        let auth = SealedKind::DestinationAuth;
        let set = |bytes| SealedChange::Set(sealed(auth, bytes));
        for (change, expected) in [
            (SealedChange::Keep, &[][..]),
            (set(b"one"), &[b"one".to_vec()]),
            (SealedChange::Keep, &[b"one".to_vec()]),
            (set(b"two"), &[b"two".to_vec()]),
            (SealedChange::Remove(auth), &[]),
            (SealedChange::Remove(auth), &[]),
            (set(b"three"), &[b"three".to_vec()]),
        ] {
            let replaced = store
                .replace_document_and_sealed(
                    tenant(1),
                    Kind::Subscription,
                    &id,
                    to("{}", None, None),
                    &change,
                    &by(20),
                )
                .await;
            replaced.unwrap().unwrap();
            assert_eq!(now(auth).await, expected, "{change:?}");
        }
        // A change that is refused leaves the value as it was.
        let late = store
            .replace_document_and_sealed(
                tenant(1),
                Kind::Subscription,
                &id,
                to("{}", None, Some(1)),
                &set(b"four"),
                &by(30),
            )
            .await;
        assert!(matches!(late, Err(Error::Conflict { .. })), "{late:?}");
        assert_eq!(now(auth).await, [b"three".to_vec()]);
        assert_eq!(now(SealedKind::Subscription).await, [b"secret".to_vec()]);
        store
            .delete_document(tenant(1), Kind::Subscription, &id, None, &by(40))
            .await
            .unwrap();
        for kind in [auth, SealedKind::Subscription] {
            assert!(now(kind).await.is_empty(), "{kind:?}");
        }
    })
    .await;
}
