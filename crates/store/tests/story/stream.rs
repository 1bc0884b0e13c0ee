//! Reading the log in the order of commits.

use std::sync::Arc;

use sqlx::Connection as _;
use tieline_domain::{EventId, TenantId, clock::Clock, event::Event};
use tieline_store::{
    Db, Options, Store,
    spine::{Accepted, Entry, Item, Spine as _, SqlSpine, Tuning},
    stream::Position,
};

use crate::{
    engines::on_every_engine,
    setting::{at, tenant, two_tenants},
};

fn spine(db: &Db) -> SqlSpine {
    let tuning = Tuning {
        queue: 1_000,
        writers: 1,
    };
    SqlSpine::start(db.clone(), "node_a", &Clock::test(at(0)), &tuning).unwrap()
}

/// Commits events of a tenant, with ids of these seconds, in one batch.
async fn commit(spine: &SqlSpine, tenant: TenantId, seconds: &[i64]) {
    let entry = |second: &i64| Entry {
        event: Arc::new(Event {
            id: EventId::new(at(*second), *second as u64),
            tenant_id: tenant,
            event_type: "a".parse().unwrap(),
            source: "/v1/events".into(),
            subject: None,
            time: at(*second),
            data: "{}".into(),
            cause_id: None,
            trace_id: "0".repeat(32).into(),
            trust: None,
        }),
        deliveries: Vec::new(),
    };
    let item = Item {
        once: None,
        entries: seconds.iter().map(entry).collect(),
    };
    assert_eq!(spine.accept(vec![item]).await.unwrap(), [Accepted::Stored]);
}

/// Everything of a tenant behind a position, by the seconds of the ids, read `limit` at a time.
async fn read(
    store: &Store,
    tenant: TenantId,
    from: &Position,
    limit: usize,
) -> (Vec<i64>, Position) {
    let (mut seconds, mut position) = (Vec::new(), from.clone());
    loop {
        let stretch = store.stream_after(tenant, &position, limit).await.unwrap();
        assert!(stretch.events.len() <= limit);
        let begin = at(0).as_seconds();
        seconds.extend(
            stretch
                .events
                .iter()
                .map(|event| event.time.as_seconds() - begin),
        );
        position = stretch.end;
        if !stretch.more {
            return (seconds, position);
        }
    }
}

#[tokio::test]
async fn events_are_read_in_the_order_of_commits() {
    on_every_engine(async |db| {
        let store = two_tenants(db.clone()).await;
        let spine = spine(&db);
        let end = store.stream_end().await.unwrap();
        // A later id is committed before an earlier one, and another tenant's lie between them.
        for batch in [&[20, 21][..], &[10], &[30, 31, 32], &[2]] {
            commit(&spine, tenant(1), batch).await;
            commit(&spine, tenant(2), &[batch[0] + 100]).await;
        }
        let all = [20, 21, 10, 30, 31, 32, 2];
        for limit in [1, 2, 3, 100] {
            let (seconds, position) = read(&store, tenant(1), &end, limit).await;
            assert_eq!(seconds, all, "{limit} at a time");
            let again = read(&store, tenant(1), &position, limit).await;
            assert_eq!(again.0, [0; 0], "nothing comes twice");
        }
        // From behind each event, the rest.
        for (i, second) in all.iter().enumerate() {
            let id = EventId::new(at(*second), *second as u64);
            let position = store.stream_position(tenant(1), id).await.unwrap().unwrap();
            let (seconds, _) = read(&store, tenant(1), &position, 2).await;
            assert_eq!(seconds, all[i + 1..], "behind {second}");
        }
        let foreign = EventId::new(at(20), 20);
        assert_eq!(
            store.stream_position(tenant(2), foreign).await.unwrap(),
            None
        );
        let unknown = EventId::new(at(99), 99);
        assert_eq!(
            store.stream_position(tenant(1), unknown).await.unwrap(),
            None
        );
    })
    .await;
}

#[tokio::test]
async fn what_commits_late_is_not_skipped() {
    on_every_engine(async |db| {
        let Db::Postgres(pool) = &db else {
            return; // SQLite has one writer: nothing is committed while another transaction writes.
        };
        let store = two_tenants(db.clone()).await;
        let spine = spine(&db);
        let begin = store.stream_end().await.unwrap();
        let mut late = pool.acquire().await.unwrap();
        let mut late = late.begin().await.unwrap();
        let id = EventId::new(at(1), 1).to_string();
        sqlx::query(
            "INSERT INTO events (tenant_id, id, type, source, time, data, trace_id)
             VALUES ($1, $2, 'a', 's', $3, '{}', '')",
        )
        .bind(tenant(1).to_string())
        .bind(id)
        .bind(at(1).as_micros())
        .execute(&mut *late)
        .await
        .unwrap();
        commit(&spine, tenant(1), &[2]).await;
        let (seconds, position) = read(&store, tenant(1), &begin, 10).await;
        assert_eq!(seconds, [0; 0], "an older transaction still runs");
        late.commit().await.unwrap();
        let (seconds, _) = read(&store, tenant(1), &position, 10).await;
        assert_eq!(seconds, [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_stream_goes_on_when_the_newest_rows_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("story.db");
    let file = file.to_str().unwrap();
    let db = Db::open(file, &Options::default()).await.unwrap();
    db.migrate().await.unwrap();
    let store = two_tenants(db.clone()).await;
    let spine = spine(&db);
    commit(&spine, tenant(1), &[1, 2, 3]).await;
    let end = store.stream_end().await.unwrap();
    let mut other = sqlx::SqliteConnection::connect(file).await.unwrap();
    sqlx::query("DELETE FROM events")
        .execute(&mut other)
        .await
        .unwrap();
    let (seconds, position) = read(&store, tenant(1), &end, 10).await;
    assert_eq!(seconds, [0; 0]);
    commit(&spine, tenant(1), &[4]).await;
    assert_eq!(read(&store, tenant(1), &position, 10).await.0, [4]);
}
