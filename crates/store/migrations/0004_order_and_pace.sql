-- Order: deliveries of one subscription with the same key form a line. Those without a key have neither.
-- position: the place in the line, while the delivery stands in it.
ALTER TABLE deliveries ADD COLUMN ordering_key TEXT /*postgres COLLATE "C"*/;
ALTER TABLE deliveries ADD COLUMN position BIGINT;
CREATE INDEX deliveries_in_line ON deliveries (subscription_id, ordering_key, status, position)
  WHERE position IS NOT NULL;

-- Pace over several nodes: from when on the next delivery of a subscription may go out, by the database's
-- clock.
CREATE TABLE paces (
  subscription_id TEXT /*postgres COLLATE "C"*/ PRIMARY KEY,
  next_at         BIGINT NOT NULL
);

-- Attempts at once over several nodes: the permits of a subscription, each taken until then, by the
-- database's clock.
CREATE TABLE permits (
  subscription_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  number          BIGINT NOT NULL,
  taken_until     BIGINT NOT NULL,
  owner           TEXT   NOT NULL,
  PRIMARY KEY (subscription_id, number)
);

-- What a subscription has missed while it was off is brought up to date: events after this one, made
-- before then.
ALTER TABLE destinations ADD COLUMN replay_after TEXT /*postgres COLLATE "C"*/;
ALTER TABLE destinations ADD COLUMN replay_before BIGINT;
ALTER TABLE destinations ADD COLUMN replayed BIGINT;
CREATE INDEX destinations_replaying ON destinations (replay_before) WHERE replay_after IS NOT NULL;

-- What the attempts of each minute showed, as each node counted them.
CREATE TABLE destination_minutes (
  subscription_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  minute          BIGINT NOT NULL,
  node            TEXT   NOT NULL,
  tenant_id       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  tally           TEXT   NOT NULL,
  PRIMARY KEY (subscription_id, minute, node)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX destination_minutes_by_age ON destination_minutes (minute);

-- How the state of each destination changed.
CREATE TABLE destination_turns (
  subscription_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  at              BIGINT NOT NULL,
  state           TEXT   NOT NULL,
  reason          TEXT   NOT NULL
);
CREATE INDEX destination_turns_by_subscription ON destination_turns (subscription_id, at);
