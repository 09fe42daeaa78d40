-- Money set aside before a call and accounted for after it. What Redis counts can be counted again from here: a row is written
-- before Redis decides and closed before Redis is told, so that whoever reads this table never misses money that is out.
CREATE TABLE budget_reservations (
  id               text PRIMARY KEY,
  tenant_id        text NOT NULL,
  customer_id      text,
  conversation_id  text,
  run_id           text NOT NULL,
  step             text NOT NULL,
  visit            int  NOT NULL,
  -- A model task, or `embed`.
  purpose          text NOT NULL,
  tier             text,
  request_hash     text,
  -- The UTC day that is charged, also when the call ends after midnight.
  day              date NOT NULL,
  -- Billionths of a dollar.
  held_nano_usd    bigint NOT NULL,
  cost_nano_usd    bigint NOT NULL DEFAULT 0,
  -- open, settled, released, refused (never granted), expired (nobody closed it in time)
  state            text NOT NULL,
  -- Of a refusal: which limit, and what it had left.
  reason           text,
  -- Of what the journal does not hold (embeddings).
  provider         text,
  model            text,
  input_tokens     int  NOT NULL DEFAULT 0,
  created_at       timestamptz NOT NULL,
  expires_at       timestamptz NOT NULL,
  closed_at        timestamptz
);
CREATE INDEX budget_by_customer ON budget_reservations (tenant_id, customer_id, day);
CREATE INDEX budget_by_conversation ON budget_reservations (tenant_id, conversation_id);
CREATE INDEX budget_by_day ON budget_reservations (tenant_id, day);
CREATE INDEX budget_by_run ON budget_reservations (tenant_id, run_id);
CREATE INDEX budget_open ON budget_reservations (expires_at) WHERE state = 'open';
