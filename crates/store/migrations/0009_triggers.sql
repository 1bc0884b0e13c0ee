-- A job whose work is one delivery: that delivery.
ALTER TABLE jobs ADD COLUMN delivery_id TEXT /*postgres COLLATE "C"*/;

-- What triggers did about events. plan: the steps as they were when the run began; error: why it failed; both JSON.
-- holder: the attempt that works on it; schedule: how many attempts of its delivery lay before the present schedule.
CREATE TABLE trigger_runs (
  tenant_id   TEXT /*postgres COLLATE "C"*/ NOT NULL,
  id          TEXT /*postgres COLLATE "C"*/ NOT NULL,
  trigger_id  TEXT /*postgres COLLATE "C"*/ NOT NULL,
  delivery_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  event_id    TEXT /*postgres COLLATE "C"*/ NOT NULL,
  trace_id    TEXT   NOT NULL,
  depth       BIGINT NOT NULL,
  plan        TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  error       TEXT,
  holder      TEXT,
  schedule    BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  ended_at    BIGINT,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX trigger_runs_by_delivery ON trigger_runs (delivery_id, id);
CREATE INDEX trigger_runs_by_trigger ON trigger_runs (trigger_id, id);
CREATE INDEX trigger_runs_by_event ON trigger_runs (event_id);
CREATE INDEX trigger_runs_open ON trigger_runs (id) WHERE ended_at IS NULL;

-- The steps of a run that were begun. input, output and error: JSON.
CREATE TABLE trigger_steps (
  tenant_id   TEXT /*postgres COLLATE "C"*/ NOT NULL,
  run_id      TEXT /*postgres COLLATE "C"*/ NOT NULL,
  number      BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  kind        TEXT   NOT NULL,
  status      TEXT   NOT NULL,
  attempts    BIGINT NOT NULL,
  input       TEXT   NOT NULL,
  output      TEXT,
  error       TEXT,
  call_id     TEXT,
  started_at  BIGINT NOT NULL,
  duration_us BIGINT,
  PRIMARY KEY (tenant_id, run_id, number)
);

-- Actions are destinations: what they are asked to do in the background are deliveries.
INSERT INTO destinations (subscription_id, tenant_id, state, reason, since, failed_probes, changed_at)
SELECT id, tenant_id, 'active', '', updated_at, 0, updated_at FROM documents WHERE kind = 'action' AND NOT deleted;
