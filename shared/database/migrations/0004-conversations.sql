-- A conversation that a producer named belongs to the requester who began it.
CREATE TABLE conversations (
  tenant_id      text NOT NULL,
  id             text NOT NULL,
  requester_id   text NOT NULL,
  -- What the turns up to and including `summary_until` (their time) said; masked, like the turns.
  summary        text,
  summary_until  timestamptz,
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- What was asked and answered, with personal data masked: what goes with the next question. Written with the reply.
CREATE TABLE conversation_turns (
  tenant_id        text NOT NULL,
  ticket_id        text NOT NULL,
  conversation_id  text NOT NULL,
  asked            text NOT NULL,
  answered         text NOT NULL,
  author           text NOT NULL,
  created_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, ticket_id)
);
CREATE INDEX conversation_turns_latest ON conversation_turns (tenant_id, conversation_id, created_at);
