//! Data keys: which one stays, and which master key each needs.

use tieline_store::{Store, data_keys::SealedDataKey};

use crate::{
    engines::on_every_engine,
    setting::{at, tenant},
};

#[tokio::test]
async fn the_first_data_key_of_an_id_stays() {
    on_every_engine(async |db| {
        let store = Store::new(db);
        let key = |number, master: &str, sealed: &[u8]| SealedDataKey {
            tenant_id: tenant(number),
            id: "1".to_owned(),
            master_key_id: master.to_owned(),
            sealed: sealed.to_vec(),
            created_at: at(0),
        };
        assert!(store.add_data_key(&key(1, "old", b"a")).await.unwrap());
        assert!(!store.add_data_key(&key(1, "new", b"b")).await.unwrap());
        assert!(store.add_data_key(&key(2, "old", b"c")).await.unwrap());
        let found = store.find_data_key(tenant(1), "1").await.unwrap();
        assert_eq!(found, Some(key(1, "old", b"a")));
        assert_eq!(store.find_data_key(tenant(1), "2").await.unwrap(), None);
        assert_eq!(store.master_key_ids().await.unwrap(), ["old"]);

        assert_eq!(
            store.data_keys_under("old", 1).await.unwrap(),
            [key(1, "old", b"a")]
        );
        assert!(store.reseal_data_key(&key(1, "new", b"d")).await.unwrap());
        assert!(!store.reseal_data_key(&key(3, "new", b"e")).await.unwrap());
        assert_eq!(
            store.data_keys_under("old", 9).await.unwrap(),
            [key(2, "old", b"c")]
        );
        assert_eq!(
            store.data_keys_under("new", 9).await.unwrap(),
            [key(1, "new", b"d")]
        );
        assert_eq!(store.master_key_ids().await.unwrap(), ["new", "old"]);
    })
    .await;
}
