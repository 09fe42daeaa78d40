-- The offline lane. A parked model call is a row of `batch_requests`; a file of them at a provider is a row of `batches`.

CREATE TABLE batches (
  id                text PRIMARY KEY,
  provider          text NOT NULL,
  model             text NOT NULL,
  endpoint          text NOT NULL,
  -- packed, uploaded, creating, submitted, done
  state             text NOT NULL,
  -- Grows when its job is sent again; whoever holds an older one has been overtaken.
  seq               int  NOT NULL DEFAULT 0,
  requests          int  NOT NULL,
  bytes             bigint NOT NULL,
  input_tokens      bigint NOT NULL,
  file_id           text,
  -- The provider's newest batch just before ours was created: where reconciliation by listing may stop.
  marker            text,
  creating_since    timestamptz,
  creations         int  NOT NULL DEFAULT 0,
  remote_id         text UNIQUE,
  remote_status     text,
  completed         int  NOT NULL DEFAULT 0,
  polls             int  NOT NULL DEFAULT 0,
  cancel_requested  boolean NOT NULL DEFAULT false,
  cancel_sent       boolean NOT NULL DEFAULT false,
  -- Result lines that could not be read, named nobody, or came again.
  malformed         int  NOT NULL DEFAULT 0,
  unknown           int  NOT NULL DEFAULT 0,
  repeated          int  NOT NULL DEFAULT 0,
  failure           jsonb,
  -- Who works on it; a worker that is killed loses it when the time is over.
  lease_owner       text,
  lease_until       timestamptz,
  -- When its job is to run next; a job that is missing then was lost.
  due_at            timestamptz NOT NULL,
  created_at        timestamptz NOT NULL,
  submitted_at      timestamptz,
  ended_at          timestamptz
);
CREATE INDEX batches_open ON batches (due_at) WHERE state <> 'done';
CREATE INDEX batches_by_time ON batches (created_at);

CREATE TABLE batch_requests (
  -- Derived from what follows up to request_hash: asking again finds the same row.
  id              text PRIMARY KEY,
  tenant_id       text NOT NULL,
  run_id          text NOT NULL,
  step            text NOT NULL,
  visit           int  NOT NULL,
  request_hash    text NOT NULL,
  customer_id     text,
  task            text NOT NULL,
  tier            text NOT NULL,
  prompt_id       text NOT NULL,
  prompt_version  int  NOT NULL,
  prompt_hash     text NOT NULL,
  provider        text NOT NULL,
  model           text NOT NULL,
  endpoint        text NOT NULL,
  -- What the provider gets, as JSON text; emptied when the request has ended.
  body            text NOT NULL,
  bytes           int  NOT NULL,
  input_tokens    int  NOT NULL,
  -- queued, packed (in a batch), answered, failed (for good), spilled (to be asked synchronously), cancelled
  state           text NOT NULL DEFAULT 'queued',
  batch_id        text REFERENCES batches (id),
  -- How many batches it has been in.
  tries           int  NOT NULL DEFAULT 0,
  -- A result of the current try has been counted.
  billed          boolean NOT NULL DEFAULT false,
  failure         jsonb,
  cost_usd        numeric(14, 8) NOT NULL DEFAULT 0,
  -- When it is too late to wait for a batch any longer.
  spill_at        timestamptz NOT NULL,
  -- Its run is to be woken; null when there is nobody to wake (any more).
  wake_at         timestamptz,
  created_at      timestamptz NOT NULL,
  ended_at        timestamptz
);
CREATE INDEX batch_requests_queued ON batch_requests (provider, model, endpoint, created_at, id) WHERE state = 'queued';
CREATE INDEX batch_requests_spill ON batch_requests (spill_at) WHERE state IN ('queued', 'packed');
CREATE INDEX batch_requests_open_by_run ON batch_requests (run_id) WHERE state IN ('queued', 'packed');
CREATE INDEX batch_requests_by_batch ON batch_requests (batch_id, id);
CREATE INDEX batch_requests_to_wake ON batch_requests (wake_at) WHERE wake_at IS NOT NULL;

-- Provider webhooks that were taken: a second delivery of one id does nothing.
CREATE TABLE webhook_receipts (
  provider     text NOT NULL,
  id           text NOT NULL,
  received_at  timestamptz NOT NULL,
  PRIMARY KEY (provider, id)
);
CREATE INDEX webhook_receipts_by_age ON webhook_receipts (received_at);
