-- The bytes that a producer sent, where they are not text: `parse` reads them, as often as it must. In a table of their own, so
-- that looking at a document does not move them.
CREATE TABLE document_originals (
  tenant_id     text NOT NULL,
  document_id   text NOT NULL,
  content_hash  text NOT NULL,
  bytes         bytea NOT NULL,
  PRIMARY KEY (tenant_id, document_id)
);
-- Compressed formats do not compress again, and trying costs more than it saves.
ALTER TABLE document_originals ALTER COLUMN bytes SET STORAGE EXTERNAL;

ALTER TABLE documents ADD COLUMN chunking jsonb;
CREATE INDEX documents_by_state ON documents (tenant_id, state, id);

-- Which embedder's vectors serve searches. Another one must build its index beside and then be put here, in one statement.
CREATE TABLE search_space (
  only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  embedder_id  text NOT NULL,
  switched_at  timestamptz NOT NULL
);

-- Facts used to hold the title of the document, and outlived it.
UPDATE attempts SET facts_written = facts_written #- '{parsed,title}' WHERE facts_written #> '{parsed,title}' IS NOT NULL;
