-- How much the request that an event came with proved; null for events that came through no source.
ALTER TABLE events ADD COLUMN trust TEXT;

-- The last question that each source answered.
CREATE TABLE handshakes (
  source_id TEXT /*postgres COLLATE "C"*/   PRIMARY KEY,
  tenant_id TEXT /*postgres COLLATE "C"*/   NOT NULL,
  name      TEXT   NOT NULL,
  at        BIGINT NOT NULL
);
