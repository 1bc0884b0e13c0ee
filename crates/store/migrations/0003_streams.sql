-- Streams of events go by the order of commits. SQLite has one writer, whose rows are numbered as they are
-- written. On Postgres each event keeps the transaction that wrote it; those from before this migration
-- come first. The index is one entry for every few pages: it costs the writers next to nothing.
/*postgres ALTER TABLE events ADD COLUMN xid BIGINT NOT NULL DEFAULT 0; */
/*postgres ALTER TABLE events ALTER COLUMN xid SET DEFAULT (pg_current_xact_id()::text::bigint); */
/*postgres CREATE INDEX events_by_xid ON events USING brin (xid) WITH (pages_per_range = 16); */
