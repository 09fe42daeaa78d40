-- From these a tenant's threshold of the semantic cache is learned. Cached answers themselves are in Redis and may vanish.
CREATE TABLE cache_observations (
  tenant_id      text NOT NULL,
  id             text NOT NULL,
  question_key   text NOT NULL,
  ticket_id      text NOT NULL,
  similarity_id  text NOT NULL,
  similarity     double precision NOT NULL,
  correct        boolean NOT NULL,
  -- answer: the fresh answer was compared with the cached one; feedback: somebody said so
  origin         text NOT NULL,
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX cache_observations_latest ON cache_observations (tenant_id, similarity_id, created_at DESC);

-- Replies of people that were rated up: examples for drafts. Only those without personal data come here.
CREATE TABLE answer_examples (
  tenant_id   text NOT NULL,
  ticket_id   text NOT NULL,
  example     jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, ticket_id)
);
