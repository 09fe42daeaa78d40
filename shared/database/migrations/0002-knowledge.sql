-- Documents are the truth; the search indexes are built from them and can be built again.
CREATE TABLE documents (
  tenant_id     text NOT NULL,
  id            text NOT NULL,
  title         text NOT NULL,
  body          text NOT NULL,
  content_type  text NOT NULL,
  url           text,
  product       text,
  audience      text NOT NULL,
  language      text,
  modified_at   text,
  metadata      jsonb NOT NULL DEFAULT '{}',
  -- SHA-256 of everything that is indexed: the same again is no work.
  content_hash  text NOT NULL,
  run_id        text NOT NULL,
  state         text NOT NULL,
  error_code    text,
  error_reason  text,
  chunk_count   int NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- What `parse` made of the version named by content_hash; offsets of chunks and citations count in its text.
CREATE TABLE parsed_documents (
  tenant_id     text NOT NULL,
  document_id   text NOT NULL,
  content_hash  text NOT NULL,
  parsed        jsonb NOT NULL,
  PRIMARY KEY (tenant_id, document_id)
);

CREATE TABLE chunks (
  tenant_id     text NOT NULL,
  document_id   text NOT NULL,
  content_hash  text NOT NULL,
  position      int  NOT NULL,
  chunk         jsonb NOT NULL,
  PRIMARY KEY (tenant_id, document_id, position)
);

-- A vector is a function of the text and the model: texts that stay the same are not paid for again. Kept per document, so
-- that deleting a document leaves no trace of it.
CREATE TABLE vectors (
  tenant_id    text NOT NULL,
  document_id  text NOT NULL,
  embedder_id  text NOT NULL,
  text_hash    text NOT NULL,
  vector       bytea NOT NULL,
  PRIMARY KEY (tenant_id, document_id, embedder_id, text_hash)
);

-- Grows with every change of a tenant's documents; part of every cache key.
CREATE TABLE knowledge_versions (
  tenant_id  text PRIMARY KEY,
  version    bigint NOT NULL
);
