//! API keys, OAuth clients and access tokens: found by hash while they work, and no longer.

use tieline_domain::{
    ApiKeyId, ClientId, TenantId,
    access::{ApiKey, OauthClient, Scopes},
};
use tieline_store::{PageRequest, access::AccessToken, audit::AuditFilter};

use crate::{
    engines::on_every_engine,
    setting::{at, by, tenant, two_tenants},
};

fn key(tenant_id: TenantId, number: u64) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(at(number as i64), number),
        tenant_id,
        name: format!("key {number}"),
        scopes: "events:read secrets:write".parse().unwrap(),
        hint: "wxyz".to_owned(),
        created_at: at(number as i64),
        expires_at: Some(at(100)),
        revoked_at: None,
    }
}

fn client(tenant_id: TenantId, number: u64) -> OauthClient {
    OauthClient {
        id: ClientId::new(at(number as i64), number),
        tenant_id,
        name: format!("client {number}"),
        scopes: "*".parse().unwrap(),
        created_at: at(number as i64),
    }
}

fn token(client: &OauthClient, until: i64) -> AccessToken {
    AccessToken {
        tenant_id: client.tenant_id,
        client_id: client.id,
        scopes: Scopes::all(),
        expires_at: at(until),
    }
}

#[tokio::test]
async fn a_key_is_found_by_its_hash_until_it_expires_or_is_revoked() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let kept = key(tenant(1), 10);
        store
            .create_api_key(&kept, &[1; 32], &by(10))
            .await
            .unwrap();
        assert_eq!(
            store.find_api_key(&[1; 32], at(99)).await.unwrap(),
            Some(kept.clone())
        );
        assert_eq!(store.find_api_key(&[1; 32], at(100)).await.unwrap(), None);
        assert_eq!(store.find_api_key(&[2; 32], at(99)).await.unwrap(), None);

        assert!(
            !store
                .revoke_api_key(tenant(2), kept.id, &by(20))
                .await
                .unwrap()
        );
        assert_eq!(
            store.find_api_key(&[1; 32], at(99)).await.unwrap(),
            Some(kept.clone())
        );
        assert!(
            store
                .revoke_api_key(tenant(1), kept.id, &by(21))
                .await
                .unwrap()
        );
        assert!(
            !store
                .revoke_api_key(tenant(1), kept.id, &by(22))
                .await
                .unwrap()
        );
        assert_eq!(store.find_api_key(&[1; 32], at(99)).await.unwrap(), None);
        let listed = store
            .list_api_keys(tenant(1), &PageRequest::first(9))
            .await
            .unwrap();
        let revoked = ApiKey {
            revoked_at: Some(at(21)),
            ..kept
        };
        assert_eq!(listed.items, [revoked]);
    })
    .await;
}

#[tokio::test]
async fn the_log_names_keys_and_never_their_hashes() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let kept = key(tenant(1), 10);
        store.create_api_key(&kept, &[1; 32], &by(10)).await.unwrap();
        store.revoke_api_key(tenant(1), kept.id, &by(11)).await.unwrap();
        let filter = AuditFilter {
            object_kind: Some("api_key".to_owned()),
            object_id: Some(kept.id.to_string()),
        };
        let log = store.list_audit(tenant(1), &filter, &PageRequest::first(9)).await.unwrap().items;
        let told: Vec<_> = log.iter().map(|e| (&*e.action, e.after.as_deref())).collect();
        let body = r#"{"name":"key 10","scopes":["secrets:write","events:read"],"expires_at":"2026-09-21T14:15:00.000Z"}"#;
        assert_eq!(told, [("revoke", None), ("create", Some(body))]);
    })
    .await;
}

#[tokio::test]
async fn lists_show_only_what_is_the_tenants_own() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        for number in 10..13 {
            let hash = [number as u8; 32];
            let owner = tenant(1 + number % 2);
            store
                .create_api_key(&key(owner, number), &hash, &by(number as i64))
                .await
                .unwrap();
            store
                .create_oauth_client(&client(owner, number), &hash, &by(number as i64))
                .await
                .unwrap();
        }
        let first = PageRequest::first(1);
        let keys = store.list_api_keys(tenant(1), &first).await.unwrap();
        assert_eq!(keys.items, [key(tenant(1), 12)]);
        let clients = store.list_oauth_clients(tenant(1), &first).await.unwrap();
        assert_eq!(clients.items, [client(tenant(1), 12)]);
        let next = PageRequest {
            limit: 1,
            after: keys.next,
        };
        let keys = store.list_api_keys(tenant(1), &next).await.unwrap();
        assert_eq!((keys.items, keys.next), (vec![key(tenant(1), 10)], None));
        let next = PageRequest {
            limit: 1,
            after: clients.next,
        };
        let clients = store.list_oauth_clients(tenant(1), &next).await.unwrap();
        assert_eq!(
            (clients.items, clients.next),
            (vec![client(tenant(1), 10)], None)
        );
    })
    .await;
}

#[tokio::test]
async fn the_tokens_of_a_client_end_with_it() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let kept = client(tenant(1), 10);
        store
            .create_oauth_client(&kept, &[1; 32], &by(10))
            .await
            .unwrap();
        let found = store.find_oauth_client(kept.id).await.unwrap();
        assert_eq!(found, Some((kept.clone(), [1; 32])));
        store
            .add_access_token(&[2; 32], &token(&kept, 50))
            .await
            .unwrap();
        let found = store.find_access_token(&[2; 32], at(49)).await.unwrap();
        assert_eq!(found, Some(token(&kept, 50)));
        assert_eq!(
            store.find_access_token(&[2; 32], at(50)).await.unwrap(),
            None
        );

        assert!(
            !store
                .revoke_oauth_client(tenant(2), kept.id, &by(20))
                .await
                .unwrap()
        );
        assert!(
            store
                .revoke_oauth_client(tenant(1), kept.id, &by(21))
                .await
                .unwrap()
        );
        assert!(
            !store
                .revoke_oauth_client(tenant(1), kept.id, &by(22))
                .await
                .unwrap()
        );
        assert_eq!(store.find_oauth_client(kept.id).await.unwrap(), None);
        assert_eq!(
            store.find_access_token(&[2; 32], at(49)).await.unwrap(),
            None
        );
        let listed = store
            .list_oauth_clients(tenant(1), &PageRequest::first(9))
            .await
            .unwrap();
        assert_eq!(listed.items, []);
        // A token that was being made meanwhile does not work either.
        store
            .add_access_token(&[3; 32], &token(&kept, 50))
            .await
            .unwrap();
        assert_eq!(
            store.find_access_token(&[3; 32], at(49)).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn expired_tokens_are_removed_in_chunks() {
    on_every_engine(async |db| {
        let store = two_tenants(db).await;
        let kept = client(tenant(1), 10);
        store
            .create_oauth_client(&kept, &[1; 32], &by(10))
            .await
            .unwrap();
        for number in 1..=4_u8 {
            let until = 20 + i64::from(number);
            store
                .add_access_token(&[number; 32], &token(&kept, until))
                .await
                .unwrap();
        }
        assert_eq!(
            store.delete_expired_access_tokens(at(23), 2).await.unwrap(),
            2
        );
        assert_eq!(
            store.delete_expired_access_tokens(at(23), 2).await.unwrap(),
            1
        );
        assert_eq!(
            store.delete_expired_access_tokens(at(23), 2).await.unwrap(),
            0
        );
        assert!(
            store
                .find_access_token(&[4; 32], at(23))
                .await
                .unwrap()
                .is_some()
        );
    })
    .await;
}
