//! Data keys: which one stays, and which master key each needs.

use tieline_store::{
    Store,
    data_keys::{Added, SealedDataKey},
};

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
        let add = async |key| store.add_data_key(&key).await.unwrap();
        assert_eq!(store.sealing_master_key().await.unwrap(), None);
        assert_eq!(add(key(1, "old", b"a")).await, Added::Kept);
        assert_eq!(
            store.sealing_master_key().await.unwrap().as_deref(),
            Some("old")
        );
        assert_eq!(add(key(1, "old", b"b")).await, Added::Known);
        assert_eq!(add(key(2, "new", b"b")).await, Added::Outdated);
        assert_eq!(add(key(2, "old", b"c")).await, Added::Kept);
        let found = store.find_data_key(tenant(1), "1").await.unwrap();
        assert_eq!(found, Some(key(1, "old", b"a")));
        assert_eq!(store.find_data_key(tenant(1), "2").await.unwrap(), None);
        assert_eq!(store.master_key_ids().await.unwrap(), ["old"]);

        store.set_sealing_master_key("new").await.unwrap();
        assert_eq!(add(key(3, "old", b"x")).await, Added::Outdated);
        assert_eq!(store.count_data_keys_not_under("new").await.unwrap(), 2);
        let not_under = async |id: &str, limit| store.data_keys_not_under(id, limit).await.unwrap();
        assert_eq!(not_under("new", 1).await, [key(1, "old", b"a")]);
        assert!(store.reseal_data_key(&key(1, "new", b"d")).await.unwrap());
        assert!(!store.reseal_data_key(&key(3, "new", b"e")).await.unwrap());
        assert_eq!(not_under("new", 9).await, [key(2, "old", b"c")]);
        assert_eq!(not_under("old", 9).await, [key(1, "new", b"d")]);
        assert_eq!(store.count_data_keys_not_under("new").await.unwrap(), 1);
        assert_eq!(store.master_key_ids().await.unwrap(), ["new", "old"]);
    })
    .await;
}
