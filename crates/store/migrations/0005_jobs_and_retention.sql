-- Long work with progress. asked: what is to be done; place: how far it has come; both JSON.
-- due_at: when a node may take it, and while a node has it, when its lease ends.
CREATE TABLE jobs (
  id         TEXT /*postgres COLLATE "C"*/ PRIMARY KEY,
  tenant_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  kind       TEXT   NOT NULL,
  status     TEXT   NOT NULL,
  asked      TEXT   NOT NULL,
  place      TEXT,
  total      BIGINT,
  done       BIGINT NOT NULL,
  failed     BIGINT NOT NULL,
  errors     TEXT   NOT NULL,
  owner      TEXT,
  due_at     BIGINT NOT NULL,
  created_by TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT,
  ended_at   BIGINT
);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, id);
CREATE INDEX jobs_open ON jobs (due_at) WHERE status IN ('waiting', 'running');

-- How long a tenant's data is kept, where it differs from the settings: JSON.
ALTER TABLE tenants ADD COLUMN retention TEXT;

-- Events whose content was erased before its time. The event stays, so that the log has no hole.
CREATE TABLE erased (
  tenant_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  event_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX erased_by_time ON erased (at);
