//! The hot path of Postgres: a whole batch in one statement, so that it costs one round trip and one
//! commit however much is in it.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Row as _, postgres::PgRow};
use tieline_domain::{EventId, Timestamp};

use super::{
    Accepted, Once, Settled,
    accept::{DELIVERIES, EVENTS, Encoded},
    batch::{Bulk, Cell, Kind, arrays, bind_arrays},
    lines,
    settle::{self, ATTEMPTS, OUTCOMES},
    writer::{self, Committed, Work},
};
use crate::{
    Error, Result,
    db::{Db, Tx},
    sql::sql,
};

/// How long a connection may rest before it is asked for a sign of life.
const REST: Duration = Duration::from_secs(1);

/// Keys to be noted, with the event that each stands for.
const KEYS: &[Kind] = &[Kind::Bytes, Kind::Text, Kind::Int];

/// Destinations at which something succeeded, and when.
const SUCCESSES: &[Kind] = &[Kind::Text, Kind::Int];

/// The key of the item that a row belongs to.
const KEY: &[Kind] = &[Kind::Bytes];

/// The whole batch. Keys that were noted before come back; the rows of their items are left out.
static BATCH: LazyLock<String> = LazyLock::new(|| {
    let mut next = 1;
    let mut parameters = |columns: &[Kind]| {
        let text = arrays(columns, next);
        next += columns.len();
        text
    };
    let keys = parameters(KEYS);
    let events = of_fresh_items(&EVENTS, &mut parameters);
    let deliveries = of_fresh_items(&DELIVERIES, &mut parameters);
    let attempts = ATTEMPTS.over(&rows(&parameters(ATTEMPTS.columns())));
    let outcomes = OUTCOMES.over(&rows(&parameters(OUTCOMES.columns())));
    let successes = parameters(SUCCESSES);
    format!(
        "WITH keys (key, event_id, expires_at) AS ({keys}), \
         fresh AS (INSERT INTO seen (key, event_id, expires_at) SELECT * FROM keys \
         ON CONFLICT (key) DO NOTHING RETURNING key), \
         new_events AS ({events}), new_deliveries AS ({deliveries}), \
         new_attempts AS ({attempts}), outcomes AS ({outcomes}), \
         successes AS (UPDATE destinations SET last_success_at = s.at \
         FROM UNNEST({successes}) AS s (subscription_id, at) \
         WHERE destinations.subscription_id = s.subscription_id \
         AND (last_success_at IS NULL OR last_success_at < s.at - 1000000)) \
         SELECT key FROM keys WHERE key NOT IN (SELECT key FROM fresh)",
        keys = rows(&keys),
    )
});

fn rows(arrays: &str) -> String {
    format!("SELECT * FROM UNNEST({arrays})")
}

/// Writes those rows whose item has no key, or one that was not noted before.
fn of_fresh_items(bulk: &Bulk, parameters: &mut impl FnMut(&[Kind]) -> String) -> String {
    let names: Vec<_> = (1..=bulk.width()).map(|i| format!("c{i}")).collect();
    let names = names.join(",");
    let cells = parameters(bulk.columns());
    let key = parameters(KEY);
    bulk.over(&format!(
        "SELECT {names} FROM UNNEST({cells},{key}) AS r ({names},key) \
         WHERE key IS NULL OR key IN (SELECT key FROM fresh)"
    ))
}

/// A writer's connection to the database.
pub(super) struct Hot {
    db: Db,
    pool: PgPool,
    connection: Option<(PgConnection, Instant)>,
}

impl Hot {
    pub(super) fn new(db: Db, pool: PgPool) -> Self {
        Self {
            db,
            pool,
            connection: None,
        }
    }

    /// Commits a batch: what changes more than its delivery first, in a transaction of its own, and the rest at once.
    pub(super) async fn commit(
        &mut self,
        now: Timestamp,
        node: &str,
        works: &[Work],
    ) -> Result<Committed> {
        let involved = writer::involved(works);
        let settled = self.settle(node, &involved).await?;
        let accepted = if involved.len() < works.len() {
            self.commit_plain(now, &Batch::of(works)).await?
        } else {
            Vec::new()
        };
        Ok(Committed { accepted, settled })
    }

    async fn settle(&self, node: &str, involved: &[&settle::Encoded]) -> Result<Vec<Settled>> {
        if involved.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let settlements = involved.iter().map(|encoded| &*encoded.settlement);
        lines::lock(&mut tx, lines::touched(std::iter::empty(), settlements)).await?;
        let settled = settle::settle(&mut tx, node, involved).await?;
        tx.commit().await?;
        Ok(settled)
    }

    /// Commits acceptances and plain settlements; says what became of each accepted item.
    async fn commit_plain(&mut self, now: Timestamp, batch: &Batch<'_>) -> Result<Vec<Accepted>> {
        if batch.items.iter().any(|item| !item.joining.is_empty()) {
            return self.commit_lines(now, batch).await;
        }
        let mut connection = self.connection().await?;
        let repeated = batch.write(&mut connection).await?;
        self.connection = Some((connection, Instant::now()));
        if repeated.is_empty() {
            return Ok(batch.answers(&HashMap::new()));
        }
        let mut tx = self.db.begin().await?;
        let originals = batch.originals(&mut tx, now, &repeated).await?;
        tx.commit().await?;
        Ok(batch.answers(&originals))
    }

    /// The same for a batch in which deliveries join lines: these are locked before anything is written.
    async fn commit_lines(&self, now: Timestamp, batch: &Batch<'_>) -> Result<Vec<Accepted>> {
        let mut tx = self.db.begin().await?;
        let items = batch.items.iter().copied();
        lines::lock(&mut tx, lines::touched(items, std::iter::empty())).await?;
        let repeated = batch.write(tx.postgres()?).await?;
        let originals = batch.originals(&mut tx, now, &repeated).await?;
        let answers = batch.answers(&originals);
        let fresh = batch.items.iter().zip(&answers);
        let fresh = fresh.filter(|(_, answer)| **answer == Accepted::Stored);
        lines::join(&mut tx, fresh.flat_map(|(item, _)| &item.joining)).await?;
        tx.commit().await?;
        Ok(answers)
    }

    /// The connection, taken out: one on which something fails is not used again. It is the writer's own,
    /// so that a commit never waits for those who read.
    async fn connection(&mut self) -> Result<PgConnection> {
        if let Some((mut connection, used)) = self.connection.take()
            && (used.elapsed() < REST || connection.ping().await.is_ok())
        {
            return Ok(connection);
        }
        Ok(self.pool.acquire().await?.detach())
    }
}

/// A batch, with what its statement and its answers need.
struct Batch<'w> {
    items: Vec<&'w Encoded>,
    plain: Vec<&'w settle::Encoded>,
    keys: Keys,
}

impl<'w> Batch<'w> {
    fn of(works: &'w [Work]) -> Self {
        let items: Vec<_> = works.iter().flat_map(Work::items).collect();
        let settlements = works.iter().filter_map(Work::settlement);
        Self {
            keys: Keys::of(&items),
            plain: settlements.filter(|encoded| encoded.is_plain()).collect(),
            items,
        }
    }

    /// Runs the statement; answers with the keys that were noted before.
    async fn write(&self, connection: &mut PgConnection) -> Result<HashSet<[u8; 16]>> {
        let Self { items, plain, keys } = self;
        let noted: Vec<Vec<Cell>> = keys.rows(items);
        let noted: Vec<_> = noted.iter().map(Vec::as_slice).collect();
        let firsts = || {
            let all = items.iter().enumerate();
            all.filter(|(i, _)| !keys.is_repeat(*i, items))
        };
        let (events, of_events) = rows_with_key(firsts(), &EVENTS, |item| &item.events);
        let (deliveries, of_deliveries) =
            rows_with_key(firsts(), &DELIVERIES, |item| &item.deliveries);
        let attempts = plain.iter().map(|encoded| encoded.attempt.as_slice());
        let attempts: Vec<_> = attempts.filter(|row| !row.is_empty()).collect();
        let outcomes = plain.iter().map(|encoded| encoded.outcome.as_slice());
        let outcomes: Vec<_> = outcomes.collect();
        let (destinations, at): (Vec<_>, Vec<_>) = settle::successes(plain)
            .into_iter()
            .map(|(subscription, at)| (subscription.to_string(), at.as_micros()))
            .unzip();

        let query = sqlx::query(AssertSqlSafe(BATCH.as_str()));
        let query = bind_arrays(query, KEYS, &noted);
        let query = bind_arrays(query, EVENTS.columns(), &events).bind(of_events);
        let query = bind_arrays(query, DELIVERIES.columns(), &deliveries).bind(of_deliveries);
        let query = bind_arrays(query, ATTEMPTS.columns(), &attempts);
        let query = bind_arrays(query, OUTCOMES.columns(), &outcomes);
        let repeated = query
            .bind(destinations)
            .bind(at)
            .fetch_all(connection)
            .await?;
        let key = |row: &PgRow| {
            let key: &[u8] = row.try_get(0)?;
            <[u8; 16]>::try_from(key).map_err(Error::content)
        };
        repeated.iter().map(key).collect()
    }

    /// The events that the repeated keys stand for. One whose window is over stands for its new event
    /// from now on, which is written now.
    async fn originals(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        repeated: &HashSet<[u8; 16]>,
    ) -> Result<HashMap<[u8; 16], EventId>> {
        let mut originals = HashMap::new();
        if repeated.is_empty() {
            return Ok(originals);
        }
        let noted = noted(tx, repeated.iter().map(<[u8; 16]>::as_slice)).await?;
        for (key, i) in self.keys.sorted() {
            if !repeated.contains(&key) {
                continue;
            }
            let item = self.items[i];
            let Some((original, expires_at)) = noted.get(key.as_slice()) else {
                let vanished = "a key vanished while it was read";
                return Err(Error::Unavailable(vanished.to_owned()));
            };
            let once = item
                .once
                .as_ref()
                .expect("only items with a key are listed");
            if *expires_at <= now && renew(tx, now, once, item.event_id).await? {
                EVENTS.run(tx, item.events.clone()).await?;
                DELIVERIES.run(tx, item.deliveries.clone()).await?;
            } else {
                originals.insert(key, *original);
            }
        }
        Ok(originals)
    }

    /// What became of each item, given what the repeated keys stand for.
    fn answers(&self, originals: &HashMap<[u8; 16], EventId>) -> Vec<Accepted> {
        let answer = |(i, item): (usize, &&Encoded)| {
            let Some(once) = &item.once else {
                return Accepted::Stored;
            };
            let first = self.keys.first[&once.key];
            match originals.get(&once.key) {
                Some(original) => Accepted::Duplicate(*original),
                None if first == i => Accepted::Stored,
                None => Accepted::Duplicate(self.items[first].event_id),
            }
        };
        self.items.iter().enumerate().map(answer).collect()
    }
}

/// The keys of a batch, each with the first item that has it.
struct Keys {
    first: HashMap<[u8; 16], usize>,
}

impl Keys {
    fn of(items: &[&Encoded]) -> Self {
        let mut first = HashMap::new();
        for (i, item) in items.iter().enumerate() {
            if let Some(once) = &item.once {
                first.entry(once.key).or_insert(i);
            }
        }
        Self { first }
    }

    /// Whether an earlier item of the batch has the same key.
    fn is_repeat(&self, i: usize, items: &[&Encoded]) -> bool {
        let once = items[i].once.as_ref();
        once.is_some_and(|once| self.first[&once.key] != i)
    }

    /// In the order of the keys: two commits that hold the same keys must take them in the same order,
    /// or they block each other.
    fn sorted(&self) -> Vec<([u8; 16], usize)> {
        let mut keys: Vec<_> = self.first.iter().map(|(key, i)| (*key, *i)).collect();
        keys.sort_unstable();
        keys
    }

    fn rows(&self, items: &[&Encoded]) -> Vec<Vec<Cell>> {
        let row = |(key, i): ([u8; 16], usize)| {
            let once = items[i].once.as_ref();
            let expires_at = once.map(|once| once.expires_at.as_micros());
            vec![
                Cell::Bytes(key.to_vec()),
                Cell::id(items[i].event_id),
                Cell::Int(expires_at),
            ]
        };
        self.sorted().into_iter().map(row).collect()
    }
}

/// The rows that items have for a statement, and beside each the key of its item.
fn rows_with_key<'a>(
    items: impl Iterator<Item = (usize, &'a &'a Encoded)>,
    bulk: &Bulk,
    cells: impl Fn(&'a Encoded) -> &'a [Cell],
) -> (Vec<&'a [Cell]>, Vec<Option<&'a [u8]>>) {
    let rows = items.flat_map(|(_, item)| {
        let key = item.once.as_ref().map(|once| once.key.as_slice());
        let rows = cells(item).chunks(bulk.width());
        rows.map(move |row| (row, key))
    });
    rows.unzip()
}

/// The event that each key stands for, and until when.
async fn noted<'k>(
    tx: &mut Tx,
    keys: impl ExactSizeIterator<Item = &'k [u8]>,
) -> Result<HashMap<Vec<u8>, (EventId, Timestamp)>> {
    let places: Vec<_> = (1..=keys.len()).map(|place| format!("${place}")).collect();
    let text = format!(
        "SELECT key, event_id, expires_at FROM seen WHERE key IN ({})",
        places.join(",")
    );
    let known = sql(AssertSqlSafe(text)).bind_all(keys);
    let rows: Vec<(Vec<u8>, EventId, Timestamp)> = known.list_in(tx).await?;
    let known = rows
        .into_iter()
        .map(|(key, event_id, expires_at)| (key, (event_id, expires_at)));
    Ok(known.collect())
}

/// Lets the key stand for another event, because its window is over; false if someone else just did.
async fn renew(tx: &mut Tx, now: Timestamp, once: &Once, event_id: EventId) -> Result<bool> {
    const RENEW: &str =
        "UPDATE seen SET event_id = $1, expires_at = $2 WHERE key = $3 AND expires_at <= $4";
    let renew = sql(RENEW)
        .bind(event_id)
        .bind(once.expires_at)
        .bind(once.key.as_slice())
        .bind(now);
    Ok(renew.run(tx).await? > 0)
}
