-- The truth. Queues and caches may vanish at any moment; from these tables every run can go on.

CREATE TABLE tenants (
  id          text PRIMARY KEY,
  name        text NOT NULL,
  config      jsonb NOT NULL DEFAULT '{}',
  created_at  timestamptz NOT NULL
);

CREATE TABLE api_keys (
  id          text PRIMARY KEY,
  tenant_id   text NOT NULL REFERENCES tenants (id),
  name        text NOT NULL,
  -- SHA-256 of the key. The key itself has 256 random bits, so a slow hash would add nothing.
  key_hash    bytea NOT NULL UNIQUE,
  roles       text[] NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz,
  revoked_at  timestamptz
);
CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id);

-- A run without its facts: small and updated in place on every hop (few indexes, so that PostgreSQL can do it as a HOT update).
CREATE TABLE runs (
  id           text PRIMARY KEY,
  tenant_id    text NOT NULL,
  pipeline     text NOT NULL,
  version      int  NOT NULL,
  subject_id   text NOT NULL,
  lane         text NOT NULL,
  status       text NOT NULL,
  step         text NOT NULL,
  seq          int  NOT NULL,
  attempt      int  NOT NULL,
  visits       jsonb NOT NULL,
  loops        jsonb NOT NULL,
  rescues      int  NOT NULL,
  trace_id     text NOT NULL,
  deadline_at  timestamptz NOT NULL,
  due_at       timestamptz NOT NULL,
  -- The sweeper leaves the run alone until then.
  check_at     timestamptz NOT NULL,
  -- Accepted while its tenant had plenty in the queues already: it waits here, not in Redis, until there is room.
  held         boolean NOT NULL DEFAULT false,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  ended_at     timestamptz
) WITH (fillfactor = 80);
-- Only runs that are not at rest: small however many runs there have been.
CREATE INDEX runs_active ON runs (tenant_id) WHERE status IN ('queued', 'running', 'delayed', 'parked', 'waiting');
CREATE INDEX runs_held ON runs (tenant_id, created_at) WHERE held;
-- Rows are written in the order of time, so a few bytes a range of pages find those of a day; a tree would cost every new ticket.
CREATE INDEX runs_by_time ON runs USING brin (created_at);

-- The log: what happened at each seq, what it wrote, and where it led. Append-only; the facts of a run are those written here,
-- the latest of each name; `runs` can be rebuilt from it.
CREATE TABLE attempts (
  run_id        text NOT NULL,
  seq           int  NOT NULL,
  tenant_id     text NOT NULL,
  step          text NOT NULL,
  attempt       int  NOT NULL,
  visit         int  NOT NULL,
  result        text NOT NULL,
  failure       jsonb,
  facts_written jsonb NOT NULL,
  next          jsonb NOT NULL,
  started_at    timestamptz NOT NULL,
  ended_at      timestamptz NOT NULL,
  worker        text NOT NULL,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE dead_letters (
  id           text PRIMARY KEY,
  tenant_id    text NOT NULL,
  run_id       text NOT NULL,
  seq          int  NOT NULL,
  pipeline     text NOT NULL,
  step         text NOT NULL,
  code         text NOT NULL,
  message      text NOT NULL,
  created_at   timestamptz NOT NULL,
  redriven_at  timestamptz,
  UNIQUE (run_id, seq)
);
CREATE INDEX dead_letters_by_tenant ON dead_letters (tenant_id, created_at);

-- What the customer wrote stands in the run's first log row (fact `ticket`), once.
CREATE TABLE tickets (
  id               text PRIMARY KEY,
  tenant_id        text NOT NULL,
  run_id           text NOT NULL,
  conversation_id  text NOT NULL,
  requester_id     text NOT NULL,
  created_at       timestamptz NOT NULL
);
CREATE INDEX tickets_by_tenant ON tickets (tenant_id, created_at);
CREATE INDEX tickets_by_conversation ON tickets (tenant_id, conversation_id, created_at);

-- The conversation record. One reply per run, whatever happens: that is what `deliver` relies on.
CREATE TABLE replies (
  id               text PRIMARY KEY,
  tenant_id        text NOT NULL,
  conversation_id  text NOT NULL,
  ticket_id        text NOT NULL,
  run_id           text NOT NULL UNIQUE,
  author           text NOT NULL,
  body             text NOT NULL,
  citations        jsonb NOT NULL,
  created_at       timestamptz NOT NULL
);
CREATE INDEX replies_by_conversation ON replies (tenant_id, conversation_id, created_at);
CREATE INDEX replies_by_ticket ON replies (tenant_id, ticket_id);

CREATE TABLE escalations (
  id           text PRIMARY KEY,
  tenant_id    text NOT NULL,
  run_id       text NOT NULL,
  ticket_id    text NOT NULL,
  visit        int  NOT NULL,
  severity     text NOT NULL,
  reason       text NOT NULL,
  summary      text NOT NULL,
  evidence     jsonb NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  claimed_by   text,
  claimed_at   timestamptz,
  -- answered, dismissed, expired, cancelled or withdrawn (the failed step was sent round again)
  resolution   text,
  resolved_by  text,
  resolved_at  timestamptz,
  UNIQUE (run_id, visit)
);
CREATE INDEX escalations_open ON escalations (tenant_id, created_at) WHERE resolution IS NULL;

-- Every model call: journal (a repeat is answered from here), trace and bill in one.
CREATE TABLE model_calls (
  tenant_id           text NOT NULL,
  run_id              text NOT NULL,
  step                text NOT NULL,
  visit               int  NOT NULL,
  request_hash        text NOT NULL,
  -- 0 for the reply, counting up for failed calls, which are kept for the trace and never replayed.
  failed_try          int  NOT NULL DEFAULT 0,
  customer_id         text,
  task                text NOT NULL,
  tier                text NOT NULL,
  prompt_id           text NOT NULL,
  prompt_version      int  NOT NULL,
  prompt_hash         text NOT NULL,
  provider            text NOT NULL,
  model               text NOT NULL,
  reply               text,
  failure             jsonb,
  input_tokens        int  NOT NULL,
  output_tokens       int  NOT NULL,
  cache_read_tokens   int  NOT NULL,
  cache_write_tokens  int  NOT NULL,
  cost_usd            numeric(14, 8) NOT NULL,
  latency_ms          int  NOT NULL,
  created_at          timestamptz NOT NULL,
  PRIMARY KEY (run_id, step, visit, request_hash, failed_try)
);
CREATE INDEX model_calls_by_day ON model_calls (tenant_id, created_at);

-- `response` is null while the first request is still being worked on.
CREATE TABLE idempotency_keys (
  tenant_id   text NOT NULL,
  key         text NOT NULL,
  route       text NOT NULL,
  body_hash   text NOT NULL,
  response    jsonb,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING brin (created_at);

CREATE TABLE feedback (
  id          text PRIMARY KEY,
  tenant_id   text NOT NULL,
  ticket_id   text NOT NULL,
  rating      text NOT NULL,
  comment     text,
  created_at  timestamptz NOT NULL
);
CREATE INDEX feedback_by_ticket ON feedback (tenant_id, ticket_id);

CREATE TABLE audit_log (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id   text NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  target      text NOT NULL,
  detail      jsonb NOT NULL DEFAULT '{}',
  created_at  timestamptz NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, created_at);
