-- One text for SQLite and Postgres. Times are UTC microseconds, JSON is TEXT.
-- A comment that begins with the name of an engine is part of the statement on that engine only.

CREATE TABLE meta (
  key   TEXT /*postgres COLLATE "C"*/ PRIMARY KEY,
  value TEXT NOT NULL
);

CREATE TABLE tenants (
  id         TEXT /*postgres COLLATE "C"*/   PRIMARY KEY,
  name       TEXT /*postgres COLLATE "C"*/   NOT NULL,
  version    BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  deleted_at BIGINT
);

-- Configuration objects: typed structs, kept as versioned documents.
CREATE TABLE documents (
  tenant_id  TEXT /*postgres COLLATE "C"*/    NOT NULL,
  kind       TEXT /*postgres COLLATE "C"*/    NOT NULL,
  id         TEXT /*postgres COLLATE "C"*/    NOT NULL,
  name       TEXT /*postgres COLLATE "C"*/,
  version    BIGINT  NOT NULL,
  body       TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  updated_at BIGINT  NOT NULL,
  deleted    BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, kind, id)
);
CREATE UNIQUE INDEX documents_by_id ON documents (kind, id);
CREATE UNIQUE INDEX documents_by_name ON documents (tenant_id, kind, name) WHERE NOT deleted;
CREATE INDEX documents_by_change ON documents (updated_at);

CREATE TABLE audit (
  tenant_id   TEXT /*postgres COLLATE "C"*/   NOT NULL,
  id          TEXT /*postgres COLLATE "C"*/   NOT NULL,
  at          BIGINT NOT NULL,
  actor       TEXT   NOT NULL,
  action      TEXT   NOT NULL,
  object_kind TEXT   NOT NULL,
  object_id   TEXT /*postgres COLLATE "C"*/   NOT NULL,
  before      TEXT,
  after       TEXT,
  request_id  TEXT,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE api_keys (
  id         TEXT /*postgres COLLATE "C"*/   PRIMARY KEY,
  tenant_id  TEXT /*postgres COLLATE "C"*/   NOT NULL,
  name       TEXT /*postgres COLLATE "C"*/   NOT NULL,
  hash       BYTEA  NOT NULL,
  hint       TEXT   NOT NULL,
  scopes     TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT
);
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (hash);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, id);

CREATE TABLE oauth_clients (
  id         TEXT /*postgres COLLATE "C"*/   PRIMARY KEY,
  tenant_id  TEXT /*postgres COLLATE "C"*/   NOT NULL,
  name       TEXT /*postgres COLLATE "C"*/   NOT NULL,
  hash       BYTEA  NOT NULL,
  scopes     TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT
);
CREATE INDEX oauth_clients_by_tenant ON oauth_clients (tenant_id, id);

CREATE TABLE access_tokens (
  hash       BYTEA  PRIMARY KEY,
  tenant_id  TEXT /*postgres COLLATE "C"*/   NOT NULL,
  client_id  TEXT /*postgres COLLATE "C"*/   NOT NULL,
  scopes     TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

CREATE TABLE idempotency (
  tenant_id    TEXT /*postgres COLLATE "C"*/   NOT NULL,
  key          TEXT /*postgres COLLATE "C"*/   NOT NULL,
  request_hash BYTEA  NOT NULL,
  status       BIGINT,
  answer       BYTEA,
  expires_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- Data keys, sealed by the master key.
CREATE TABLE data_keys (
  tenant_id     TEXT /*postgres COLLATE "C"*/   NOT NULL,
  id            TEXT /*postgres COLLATE "C"*/   NOT NULL,
  master_key_id TEXT   NOT NULL,
  sealed        BYTEA  NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Secret values, sealed by the data key of their tenant.
CREATE TABLE sealed_values (
  tenant_id   TEXT /*postgres COLLATE "C"*/   NOT NULL,
  kind        TEXT /*postgres COLLATE "C"*/   NOT NULL,
  name        TEXT /*postgres COLLATE "C"*/   NOT NULL,
  version     BIGINT NOT NULL,
  id          TEXT /*postgres COLLATE "C"*/   NOT NULL,
  description TEXT,
  sealed      BYTEA  NOT NULL,
  created_at  BIGINT NOT NULL,
  expires_at  BIGINT,
  PRIMARY KEY (tenant_id, kind, name, version)
);

CREATE TABLE events (
  tenant_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id        TEXT /*postgres COLLATE "C"*/ NOT NULL,
  type      TEXT   NOT NULL,
  source    TEXT   NOT NULL,
  subject   TEXT,
  time      BIGINT NOT NULL,
  data      TEXT   NOT NULL,
  cause_id  TEXT /*postgres COLLATE "C"*/,
  trace_id  TEXT   NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX events_by_cause ON events (cause_id) WHERE cause_id IS NOT NULL;

-- Which incoming events were seen: the key is a hash of the source and of the sender's event id.
CREATE TABLE seen (
  key        BYTEA  PRIMARY KEY,
  event_id   TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;

-- The embedded engine notes new keys here, one after the other, and moves them to `seen` many at a
-- time in the order of the keys: at random places they would cost more than the events.
CREATE TABLE seen_lately (
  generation BIGINT NOT NULL,
  key        BYTEA  NOT NULL,
  event_id   TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

-- earlier_attempts: how many of the attempts were made before the present schedule began.
-- due_at: when the next attempt is due, and while a node holds the delivery, when its lease ends.
CREATE TABLE deliveries (
  tenant_id        TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id               TEXT /*postgres COLLATE "C"*/ NOT NULL,
  event_id         TEXT /*postgres COLLATE "C"*/ NOT NULL,
  subscription_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  status           TEXT   NOT NULL,
  attempts         BIGINT NOT NULL,
  earlier_attempts BIGINT NOT NULL,
  due_at           BIGINT NOT NULL,
  owner            TEXT,
  first_attempt_at BIGINT,
  settled_at       BIGINT,
  created_at       BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE status = 'pending';
CREATE INDEX deliveries_held ON deliveries (subscription_id, id) WHERE status = 'held';
CREATE INDEX deliveries_dead ON deliveries (subscription_id, settled_at) WHERE status = 'dead';
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id);
CREATE INDEX deliveries_by_event ON deliveries (event_id);

CREATE TABLE attempts (
  delivery_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id          TEXT /*postgres COLLATE "C"*/ NOT NULL,
  tenant_id   TEXT /*postgres COLLATE "C"*/   NOT NULL,
  number      BIGINT NOT NULL,
  started_at  BIGINT NOT NULL,
  duration_us BIGINT NOT NULL,
  status_code BIGINT,
  error_kind  TEXT,
  seen        TEXT   NOT NULL,
  PRIMARY KEY (delivery_id, id)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE destinations (
  subscription_id TEXT /*postgres COLLATE "C"*/   PRIMARY KEY,
  tenant_id       TEXT /*postgres COLLATE "C"*/   NOT NULL,
  state           TEXT   NOT NULL,
  reason          TEXT   NOT NULL,
  since           BIGINT NOT NULL,
  failing_since   BIGINT,
  last_success_at BIGINT,
  failed_probes   BIGINT NOT NULL,
  probe_at        BIGINT,
  changed_at      BIGINT NOT NULL
);
CREATE INDEX destinations_by_change ON destinations (changed_at);
CREATE INDEX destinations_holding ON destinations (probe_at) WHERE state = 'error';

-- The last requests that each source refused.
CREATE TABLE rejected (
  source_id TEXT /*postgres COLLATE "C"*/   NOT NULL,
  id        TEXT /*postgres COLLATE "C"*/   NOT NULL,
  tenant_id TEXT /*postgres COLLATE "C"*/   NOT NULL,
  at        BIGINT NOT NULL,
  reason    TEXT   NOT NULL,
  detail    TEXT   NOT NULL,
  request   TEXT   NOT NULL,
  PRIMARY KEY (source_id, id)
);
