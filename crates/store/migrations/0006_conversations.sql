-- Conversations of agents, what was said in them, and what the agents did about it. `about`, `metadata`, `input` and
-- `output` are JSON. Every agent is a destination: its messages are deliveries.

CREATE TABLE conversations (
  tenant_id     TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id            TEXT /*postgres COLLATE "C"*/ NOT NULL,
  agent_id      TEXT /*postgres COLLATE "C"*/ NOT NULL,
  status        TEXT    NOT NULL,
  key           TEXT,
  about         TEXT    NOT NULL,
  messages      BIGINT  NOT NULL,
  was_escalated BOOLEAN NOT NULL,
  created_at    BIGINT  NOT NULL,
  updated_at    BIGINT  NOT NULL,
  ended_at      BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX conversations_by_key ON conversations (agent_id, key) WHERE key IS NOT NULL AND ended_at IS NULL;
CREATE INDEX conversations_by_agent ON conversations (agent_id, id);

CREATE TABLE messages (
  tenant_id       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  conversation_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id              TEXT /*postgres COLLATE "C"*/ NOT NULL,
  role            TEXT   NOT NULL,
  content         TEXT   NOT NULL,
  metadata        TEXT   NOT NULL,
  turn_id         TEXT /*postgres COLLATE "C"*/,
  created_at      BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, conversation_id, id)
);

CREATE TABLE turns (
  tenant_id       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id              TEXT /*postgres COLLATE "C"*/ NOT NULL,
  conversation_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  agent_id        TEXT /*postgres COLLATE "C"*/ NOT NULL,
  message_id      TEXT /*postgres COLLATE "C"*/ NOT NULL,
  event_id        TEXT /*postgres COLLATE "C"*/ NOT NULL,
  status          TEXT    NOT NULL,
  waits_for       TEXT,
  reason          TEXT,
  reply_id        TEXT /*postgres COLLATE "C"*/,
  cancel          BOOLEAN NOT NULL,
  trace_id        TEXT    NOT NULL,
  created_at      BIGINT  NOT NULL,
  started_at      BIGINT,
  ended_at        BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX turns_by_conversation ON turns (conversation_id, id);
CREATE INDEX turns_open ON turns (agent_id, id) WHERE ended_at IS NULL;

CREATE TABLE steps (
  tenant_id   TEXT /*postgres COLLATE "C"*/ NOT NULL,
  turn_id     TEXT /*postgres COLLATE "C"*/ NOT NULL,
  number      BIGINT NOT NULL,
  kind        TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  call_id     TEXT,
  status      TEXT   NOT NULL,
  input       TEXT   NOT NULL,
  output      TEXT   NOT NULL,
  error       TEXT,
  started_at  BIGINT NOT NULL,
  duration_us BIGINT,
  PRIMARY KEY (tenant_id, turn_id, number)
);

CREATE TABLE approvals (
  tenant_id       TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id              TEXT /*postgres COLLATE "C"*/ NOT NULL,
  conversation_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  turn_id         TEXT /*postgres COLLATE "C"*/ NOT NULL,
  step            BIGINT NOT NULL,
  agent_id        TEXT /*postgres COLLATE "C"*/ NOT NULL,
  tool            TEXT   NOT NULL,
  input           TEXT   NOT NULL,
  decision        TEXT   NOT NULL,
  decided_by      TEXT,
  reason          TEXT,
  created_at      BIGINT NOT NULL,
  decided_at      BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX approvals_by_turn ON approvals (turn_id);
CREATE INDEX approvals_pending ON approvals (tenant_id, id) WHERE decision = 'pending';
