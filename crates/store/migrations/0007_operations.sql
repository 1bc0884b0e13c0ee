-- What documents were: every version that was saved, of the kinds that keep them.
CREATE TABLE document_versions (
  tenant_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  kind       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id         TEXT /*postgres COLLATE "C"*/ NOT NULL,
  version    BIGINT NOT NULL,
  name       TEXT /*postgres COLLATE "C"*/,
  body       TEXT   NOT NULL,
  actor      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, kind, id, version)
);

-- One row per call of an operation. detail: what nobody searches by, as JSON, without secrets.
CREATE TABLE calls (
  tenant_id       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id              TEXT /*postgres COLLATE "C"*/ NOT NULL,
  operation_id    TEXT /*postgres COLLATE "C"*/ NOT NULL,
  operation       TEXT   NOT NULL,
  via             TEXT   NOT NULL,
  agent_id        TEXT /*postgres COLLATE "C"*/,
  conversation_id TEXT /*postgres COLLATE "C"*/,
  error_kind      TEXT,
  status_code     BIGINT,
  took_us         BIGINT NOT NULL,
  detail          TEXT   NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX calls_by_operation ON calls (tenant_id, operation_id, id);
CREATE INDEX calls_by_agent ON calls (tenant_id, agent_id, id) WHERE agent_id IS NOT NULL;
CREATE INDEX calls_by_conversation ON calls (tenant_id, conversation_id, id) WHERE conversation_id IS NOT NULL;
CREATE INDEX calls_failed ON calls (tenant_id, id) WHERE error_kind IS NOT NULL;

-- Outputs that were too large to hand over, for a while.
CREATE TABLE artifacts (
  tenant_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id         TEXT /*postgres COLLATE "C"*/ NOT NULL,
  media_type TEXT   NOT NULL,
  content    BYTEA  NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX artifacts_by_end ON artifacts (expires_at);
