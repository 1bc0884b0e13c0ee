//! Which events the embedded engine has seen.
//!
//! Keys are hashes: each new one belongs at a random place of its table, and writing that many pages in
//! each commit would cost more than the events themselves. So new keys are appended to `seen_lately` and
//! kept in memory too; when there are many, they move to `seen` in the order of the keys, some in each
//! commit, so that neighbours share pages. What is in memory is read again when the program starts.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use tieline_domain::{EventId, Timestamp};

use super::Once;
use crate::{Error, Result};

/// How many keys are gathered before they move.
const GENERATION: usize = 100_000;

/// How many keys move in each commit for each that came in, so that moving is done before the next
/// generation is full.
const PACE: usize = 2;

/// The fewest keys that move in a commit.
const STEP: usize = 64;

type Key = [u8; 16];

/// An event id and until when it is remembered.
#[derive(Clone, Copy)]
struct Note {
    event_id: EventId,
    expires_at: i64,
}

/// The keys that came lately.
#[derive(Default)]
pub(super) struct Lately {
    generation: i64,
    new: HashMap<Key, Note>,
    moving: Option<Moving>,
    /// What the present commit has noted, to be taken back if it fails.
    uncommitted: Vec<Key>,
    /// How far the present commit has moved keys.
    moved: usize,
}

/// A generation on its way to `seen`.
struct Moving {
    generation: i64,
    notes: HashMap<Key, Note>,
    order: Vec<Key>,
    done: usize,
}

impl Lately {
    /// Reads what an earlier life of the program has left.
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let mut lately = Self::default();
        let mut all =
            connection.prepare("SELECT generation, key, event_id, expires_at FROM seen_lately")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            lately.generation = lately.generation.max(row.get(0)?);
            let note = Note {
                event_id: row.get::<_, String>(2)?.parse().map_err(Error::content)?,
                expires_at: row.get(3)?,
            };
            lately.new.insert(row.get(1)?, note);
        }
        Ok(lately)
    }

    /// The event that the key stands for already; `None` if it stands for `event_id` from now on.
    pub(super) fn seen(
        &mut self,
        connection: &Connection,
        now: Timestamp,
        once: &Once,
        event_id: EventId,
    ) -> Result<Option<EventId>> {
        const FIND: &str = "SELECT event_id, expires_at FROM seen WHERE key = ?1";
        const NOTE: &str = "INSERT INTO seen_lately (generation, key, event_id, expires_at) VALUES (?1, ?2, ?3, ?4)";
        let now = now.as_micros();
        let moving = self
            .moving
            .as_ref()
            .and_then(|moving| moving.notes.get(&once.key));
        let mut known = self.new.get(&once.key).or(moving).copied();
        if known.is_none() {
            let mut find = connection.prepare_cached(FIND)?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
            if let Some((id, expires_at)) = find.query_row([&once.key[..]], read).optional()? {
                let event_id = id.parse().map_err(Error::content)?;
                known = Some(Note {
                    event_id,
                    expires_at,
                });
            }
        }
        if let Some(note) = known.filter(|note| note.expires_at > now) {
            return Ok(Some(note.event_id));
        }
        let expires_at = once.expires_at.as_micros();
        let id = event_id.to_string();
        let mut note = connection.prepare_cached(NOTE)?;
        note.execute((self.generation, &once.key[..], id, expires_at))?;
        self.new.insert(
            once.key,
            Note {
                event_id,
                expires_at,
            },
        );
        self.uncommitted.push(once.key);
        Ok(None)
    }

    /// Moves some keys to `seen`, as part of the present commit.
    pub(super) fn advance(&mut self, connection: &Connection) -> Result<()> {
        const MOVE: &str = "INSERT INTO seen (key, event_id, expires_at) VALUES (?1, ?2, ?3) \
                            ON CONFLICT (key) DO UPDATE SET event_id = excluded.event_id, \
                            expires_at = excluded.expires_at";
        const EMPTY: &str = "DELETE FROM seen_lately WHERE rowid IN \
                             (SELECT rowid FROM seen_lately WHERE generation <= ?1 ORDER BY rowid LIMIT ?2)";
        let step = STEP.max(self.uncommitted.len() * PACE);
        let Some(moving) = &mut self.moving else {
            return Ok(());
        };
        let rest = &moving.order[moving.done..];
        let part = &rest[..step.min(rest.len())];
        let mut insert = connection.prepare_cached(MOVE)?;
        for key in part {
            let note = moving.notes[key];
            insert.execute((&key[..], note.event_id.to_string(), note.expires_at))?;
        }
        self.moved = part.len();
        if part.is_empty() {
            let mut empty = connection.prepare_cached(EMPTY)?;
            if empty.execute((moving.generation, step as i64))? < step {
                self.moving = None;
            }
        }
        Ok(())
    }

    /// The present commit is on disk.
    pub(super) fn committed(&mut self) {
        self.uncommitted.clear();
        if let Some(moving) = &mut self.moving {
            moving.done += self.moved;
        }
        self.moved = 0;
        if self.moving.is_none() && self.new.len() >= GENERATION {
            let notes = std::mem::take(&mut self.new);
            let mut order: Vec<_> = notes.keys().copied().collect();
            order.sort_unstable();
            self.moving = Some(Moving {
                generation: self.generation,
                notes,
                order,
                done: 0,
            });
            self.generation += 1;
        }
    }

    /// The present commit has failed: what it noted was not noted.
    pub(super) fn rolled_back(&mut self) {
        for key in self.uncommitted.drain(..) {
            self.new.remove(&key);
        }
        self.moved = 0;
    }
}
