//! Sealed values: versions, overlap, names; data keys.

use tieline_domain::{SecretId, TenantId};
use tieline_store::{
    Error, PageRequest, Store,
    audit::AuditFilter,
    sealed::{NewSealed, SealedKind},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by, tenant, two_tenants},
};

fn secret(tenant_id: TenantId, number: u64, name: &str, sealed: &[u8]) -> NewSealed {
    NewSealed {
        tenant_id,
        kind: SealedKind::Secret,
        name: name.to_owned(),
        id: SecretId::new(at(number as i64), number).to_string(),
        description: None,
        sealed: sealed.to_vec(),
    }
}

/// The values of a secret that are valid then, the newest first.
async fn valid(store: &Store, tenant: TenantId, name: &str, seconds: i64) -> Vec<Vec<u8>> {
    let versions = store
        .current_sealed(tenant, SealedKind::Secret, name, at(seconds))
        .await
        .unwrap();
    versions.into_iter().map(|version| version.sealed).collect()
}

#[tokio::test]
async fn two_versions_are_valid_while_they_overlap() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let owner = tenant(1);
        store
            .create_sealed(&secret(owner, 10, "CRM", b"a"), &by(10))
            .await
            .unwrap();
        assert_eq!(valid(&store, owner, "CRM", 10).await, [b"a"]);
        let turned = store
            .rotate_sealed(&secret(owner, 99, "CRM", b"b"), at(30), &by(20))
            .await
            .unwrap();
        assert_eq!(turned, Some(2));
        assert_eq!(valid(&store, owner, "CRM", 29).await, [b"b", b"a"]);
        assert_eq!(valid(&store, owner, "CRM", 30).await, [b"b"]);
        // A later rotation never prolongs the older one, and takes away what is over.
        store
            .rotate_sealed(&secret(owner, 99, "CRM", b"c"), at(60), &by(25))
            .await
            .unwrap();
        assert_eq!(valid(&store, owner, "CRM", 29).await, [b"c", b"b", b"a"]);
        assert_eq!(valid(&store, owner, "CRM", 31).await, [b"c", b"b"]);
        store
            .rotate_sealed(&secret(owner, 99, "CRM", b"d"), at(40), &by(40))
            .await
            .unwrap();
        assert_eq!(valid(&store, owner, "CRM", 0).await, [b"d"]);
        let version = &store
            .current_sealed(owner, SealedKind::Secret, "CRM", at(41))
            .await
            .unwrap()[0];
        assert_eq!(
            (version.version, version.created_at, version.expires_at),
            (4, at(40), None)
        );
    })
    .await;
}

#[tokio::test]
async fn a_secret_keeps_its_id_and_its_description() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let owner = tenant(1);
        let first = NewSealed {
            description: Some("for the CRM".to_owned()),
            ..secret(owner, 10, "CRM", b"a")
        };
        store.create_sealed(&first, &by(10)).await.unwrap();
        let refused = store
            .create_sealed(&secret(owner, 11, "CRM", b"x"), &by(11))
            .await;
        assert!(matches!(refused, Err(Error::NameTaken)), "{refused:?}");
        store
            .rotate_sealed(&secret(owner, 99, "CRM", b"b"), at(20), &by(20))
            .await
            .unwrap();
        let told = store
            .find_sealed(owner, SealedKind::Secret, "CRM")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (told.id.clone(), told.version, told.created_at),
            (first.id.clone(), 2, at(20))
        );
        assert_eq!(told.description, first.description);
        let by_id = store
            .find_sealed(owner, SealedKind::Secret, &first.id)
            .await
            .unwrap();
        assert_eq!(by_id, Some(told));
        let changed = NewSealed {
            description: Some("for the new CRM".to_owned()),
            ..secret(owner, 99, "CRM", b"c")
        };
        store
            .rotate_sealed(&changed, at(30), &by(30))
            .await
            .unwrap();
        let told = store
            .find_sealed(owner, SealedKind::Secret, "CRM")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((told.version, told.description), (3, changed.description));
        let missing = store
            .rotate_sealed(&secret(owner, 12, "ERP", b"x"), at(40), &by(40))
            .await;
        assert_eq!(missing.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn lists_show_each_secret_once() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let owner = tenant(1);
        for (number, name) in [(10, "A"), (11, "B"), (12, "C")] {
            store
                .create_sealed(&secret(owner, number, name, b"a"), &by(number as i64))
                .await
                .unwrap();
        }
        store
            .create_sealed(&secret(tenant(2), 13, "A", b"z"), &by(13))
            .await
            .unwrap();
        store
            .rotate_sealed(&secret(owner, 99, "B", b"b"), at(99), &by(20))
            .await
            .unwrap();
        let first = store
            .list_sealed(owner, SealedKind::Secret, &PageRequest::first(2))
            .await
            .unwrap();
        let told: Vec<_> = first
            .items
            .iter()
            .map(|info| (&*info.name, info.version))
            .collect();
        assert_eq!(told, [("C", 1), ("B", 2)]);
        let next = PageRequest {
            limit: 2,
            after: first.next,
        };
        let rest = store
            .list_sealed(owner, SealedKind::Secret, &next)
            .await
            .unwrap();
        assert_eq!(
            (rest.items.len(), &*rest.items[0].name, rest.next),
            (1, "A", None)
        );
        let sources = store
            .list_sealed(owner, SealedKind::Source, &PageRequest::first(2))
            .await
            .unwrap();
        assert_eq!(sources.items, []);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_secret_is_gone_in_all_versions() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let owner = tenant(1);
        let first = secret(owner, 10, "CRM", b"a");
        store.create_sealed(&first, &by(10)).await.unwrap();
        store
            .rotate_sealed(&secret(owner, 99, "CRM", b"b"), at(99), &by(20))
            .await
            .unwrap();
        assert!(
            !store
                .delete_sealed(tenant(2), SealedKind::Secret, "CRM", &by(21))
                .await
                .unwrap()
        );
        assert!(
            !store
                .delete_sealed(owner, SealedKind::Source, "CRM", &by(21))
                .await
                .unwrap()
        );
        assert_eq!(valid(&store, owner, "CRM", 30).await, [b"b", b"a"]);
        assert!(
            store
                .delete_sealed(owner, SealedKind::Secret, "CRM", &by(22))
                .await
                .unwrap()
        );
        assert!(
            !store
                .delete_sealed(owner, SealedKind::Secret, "CRM", &by(23))
                .await
                .unwrap()
        );
        assert!(valid(&store, owner, "CRM", 30).await.is_empty());
        let filter = AuditFilter {
            object_kind: Some("secret".to_owned()),
            object_id: Some(first.id),
        };
        let log = store
            .list_audit(owner, &filter, &PageRequest::first(9))
            .await
            .unwrap()
            .items;
        let told: Vec<_> = log
            .iter()
            .map(|e| (&*e.action, &e.before, &e.after))
            .collect();
        assert_eq!(
            told,
            [
                ("delete", &None, &None),
                ("rotate", &None, &None),
                ("create", &None, &None)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn rotations_at_once_each_make_a_version() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let owner = tenant(1);
        store
            .create_sealed(&secret(owner, 10, "CRM", b"a"), &by(10))
            .await
            .unwrap();
        let rotate = async |number: i64| {
            let new = secret(owner, 99, "CRM", &[number as u8]);
            store
                .rotate_sealed(&new, at(99), &by(number))
                .await
                .unwrap()
                .unwrap()
        };
        let mut versions = futures::future::join_all((20..26).map(rotate)).await;
        versions.sort_unstable();
        assert_eq!(versions, [2, 3, 4, 5, 6, 7]);
        assert_eq!(valid(&store, owner, "CRM", 98).await.len(), 7);
    })
    .await;
}
