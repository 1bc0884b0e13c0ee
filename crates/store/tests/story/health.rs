//! What people ask about a database before they trust it.

use tieline_store::{Db, Options, health::newest_schema_version};

use crate::engines::on_every_engine;

#[tokio::test]
async fn a_migrated_database_is_known_as_whole_and_writable() {
    on_every_engine(async |db| {
        let applied = db.applied_migrations().await.unwrap();
        let versions: Vec<_> = applied.iter().map(|migration| migration.version).collect();
        assert!(versions.is_sorted());
        assert_eq!(versions.last(), Some(&newest_schema_version()));
        assert_eq!(applied[0].description, "start");

        db.check_integrity().await.unwrap();
        // The second time would fail if the first had left something behind.
        db.check_writable().await.unwrap();
        db.check_writable().await.unwrap();
        let time = db.server_time().await.unwrap();
        assert_eq!(time.is_some(), db.engine() == "postgres");
    })
    .await;
}

#[tokio::test]
async fn a_database_without_our_schema_has_no_migrations() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("empty.db");
    let db = Db::open(file.to_str().unwrap(), &Options::default())
        .await
        .unwrap();
    assert_eq!(db.applied_migrations().await.unwrap(), []);
    assert!(db.check_writable().await.is_err());
    db.close().await;
}
