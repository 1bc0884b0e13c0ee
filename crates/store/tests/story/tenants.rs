//! Tenants, from their making to their end.

use tieline_domain::{
    ApiKeyId, ClientId, SourceId,
    access::{ApiKey, OauthClient, Scopes},
    retention::Retention,
};
use tieline_store::{
    Error, PageRequest, Store,
    access::AccessToken,
    audit::AuditFilter,
    documents::{Kind, NewDocument},
};

use crate::{
    engines::on_every_engine,
    setting::{at, by, made, tenant, two_tenants},
};

#[tokio::test]
async fn a_tenant_is_renamed_by_those_who_saw_its_version() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let renamed = store
            .update_tenant(tenant(1), "new", Retention::default(), Some(1), &by(10))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (&*renamed.name, renamed.version, renamed.updated_at),
            ("new", 2, at(10))
        );
        assert_eq!(store.find_tenant(tenant(1)).await.unwrap(), Some(renamed));
        let refused = store
            .update_tenant(tenant(1), "newer", Retention::default(), Some(1), &by(11))
            .await;
        assert!(
            matches!(refused, Err(Error::Conflict { current: 2 })),
            "{refused:?}"
        );
        assert_eq!(
            store
                .update_tenant(tenant(9), "x", Retention::default(), None, &by(12))
                .await
                .unwrap(),
            None
        );
        let log = store
            .list_audit(tenant(1), &AuditFilter::default(), &PageRequest::first(9))
            .await
            .unwrap();
        assert_eq!(log.items.len(), 2);
        assert_eq!(
            log.items[0].before.as_deref(),
            Some(r#"{"name":"tenant 1"}"#)
        );
        assert_eq!(log.items[0].after.as_deref(), Some(r#"{"name":"new"}"#));
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_deleted_tenant_works() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let source_id = furnish(&store).await;
        assert!(
            everything_works(&store, &source_id)
                .await
                .iter()
                .all(|works| *works)
        );

        let refused = store.delete_tenant(tenant(1), Some(9), &by(20)).await;
        assert!(
            matches!(refused, Err(Error::Conflict { current: 1 })),
            "{refused:?}"
        );
        assert!(
            everything_works(&store, &source_id)
                .await
                .iter()
                .all(|works| *works)
        );

        assert!(
            store
                .delete_tenant(tenant(1), Some(1), &by(20))
                .await
                .unwrap()
        );
        assert!(!store.delete_tenant(tenant(1), None, &by(21)).await.unwrap());
        assert_eq!(everything_works(&store, &source_id).await, [false; 5]);
        // A source that was being made meanwhile takes no requests either.
        let late = made(&store, source(7), 20).await;
        let found = store
            .find_document_anywhere(Kind::Source, &late.id)
            .await
            .unwrap();
        assert_eq!(found, None);
        // Other nodes hear of it.
        let told = store.documents_changed_since(at(20)).await.unwrap();
        assert_eq!(told.len(), 2);
        assert!(store.tenant_is_live(tenant(2)).await.unwrap());
        let left = store.list_tenants(&PageRequest::first(9)).await.unwrap();
        assert_eq!(
            left.items.iter().map(|t| t.id).collect::<Vec<_>>(),
            [tenant(2)]
        );
    })
    .await;
}

async fn furnish(store: &Store) -> String {
    let tenant_id = tenant(1);
    let key = ApiKey {
        id: ApiKeyId::new(at(3), 3),
        tenant_id,
        name: "key".to_owned(),
        scopes: Scopes::all(),
        hint: "abcd".to_owned(),
        created_at: at(3),
        expires_at: None,
        revoked_at: None,
    };
    store.create_api_key(&key, &[3; 32], &by(3)).await.unwrap();
    let client = OauthClient {
        id: ClientId::new(at(4), 4),
        tenant_id,
        name: "client".to_owned(),
        scopes: Scopes::all(),
        created_at: at(4),
    };
    store
        .create_oauth_client(&client, &[4; 32], &by(4))
        .await
        .unwrap();
    let token = AccessToken {
        tenant_id,
        client_id: client.id,
        scopes: Scopes::all(),
        expires_at: at(3_600),
    };
    store.add_access_token(&[5; 32], &token).await.unwrap();
    store.create_document(source(6), &by(6)).await.unwrap().id
}

fn source(number: u64) -> NewDocument {
    NewDocument {
        tenant_id: tenant(1),
        kind: Kind::Source,
        id: SourceId::new(at(6), number).to_string(),
        name: None,
        body: "{}".to_owned(),
        sealed: Vec::new(),
        destination: false,
    }
}

/// Whether the tenant is live, and its key, client, token and source are found.
async fn everything_works(store: &Store, source: &str) -> [bool; 5] {
    let now = at(30);
    [
        store.tenant_is_live(tenant(1)).await.unwrap(),
        store.find_api_key(&[3; 32], now).await.unwrap().is_some(),
        store
            .find_oauth_client(ClientId::new(at(4), 4))
            .await
            .unwrap()
            .is_some(),
        store
            .find_access_token(&[5; 32], now)
            .await
            .unwrap()
            .is_some(),
        store
            .find_document_anywhere(Kind::Source, source)
            .await
            .unwrap()
            .is_some(),
    ]
}
