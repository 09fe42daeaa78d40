-- Sets of documents that are digested together, one run each.
CREATE TABLE document_sets (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL,
  -- Name, task with its settings, lane, callback, metadata.
  spec          jsonb NOT NULL,
  -- running, cancelling, completed, cancelled
  state         text NOT NULL,
  total         int NOT NULL,
  schedule_id   text,
  created_at    timestamptz NOT NULL,
  ended_at      timestamptz
);
CREATE INDEX document_sets_by_tenant ON document_sets (tenant_id, created_at, id);
CREATE INDEX document_sets_open ON document_sets (created_at) WHERE state IN ('running', 'cancelling');

-- One document of a set. What it needs on its way (`inline`, `parsed`, `draft`) is emptied when it has ended.
CREATE TABLE document_set_items (
  set_id        text NOT NULL REFERENCES document_sets (id) ON DELETE CASCADE,
  position      int NOT NULL,
  tenant_id     text NOT NULL,
  run_id        text NOT NULL UNIQUE,
  -- Of an indexed document; null where the document came along.
  document_id   text,
  -- The version that was selected, and then the version that was read.
  content_hash  text,
  title         text NOT NULL DEFAULT '',
  inline        jsonb,
  -- open, done, failed; an open item whose run is dead or cancelled has ended, too
  state         text NOT NULL DEFAULT 'open',
  parsed        jsonb,
  draft         jsonb,
  result        jsonb,
  failure       jsonb,
  ended_at      timestamptz,
  PRIMARY KEY (set_id, position)
);
CREATE INDEX document_set_items_open ON document_set_items (set_id) WHERE state = 'open';
CREATE INDEX document_set_items_by_document ON document_set_items (tenant_id, document_id) WHERE document_id IS NOT NULL;

-- The truth about what is to happen when; the job schedulers in Redis follow it.
CREATE TABLE document_set_schedules (
  id            text PRIMARY KEY,
  tenant_id     text NOT NULL,
  spec          jsonb NOT NULL,
  query         jsonb NOT NULL,
  cron          text NOT NULL,
  time_zone     text NOT NULL,
  next_at       timestamptz NOT NULL,
  last_at       timestamptz,
  last_set_id   text,
  created_at    timestamptz NOT NULL
);
CREATE INDEX document_set_schedules_by_tenant ON document_set_schedules (tenant_id, id);
CREATE INDEX document_set_schedules_due ON document_set_schedules (next_at);

-- What a run's batch requests cost and saved.
CREATE INDEX batch_requests_by_run ON batch_requests (run_id);
