-- Documents that were deleted or replaced, as long as copies of their words may still be somewhere: cached answers that cite them, events
-- and conversations at hand, and the search indexes when one of them was away. Written in the statement that deletes or replaces, so the promise to remove them outlives everybody.
CREATE TABLE copies_to_forget (
  tenant_id    text NOT NULL,
  document_id  text NOT NULL,
  -- Deleted, and the search indexes have not said yet that they hold nothing of it.
  in_indexes   boolean NOT NULL,
  changed_at   timestamptz NOT NULL,
  due_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, document_id)
);
CREATE INDEX copies_to_forget_due ON copies_to_forget (due_at);

-- Which replies and handovers of the last day quote a document. Rows come in the order of time, so a few bytes a range of pages find a day.
CREATE INDEX replies_by_time ON replies USING brin (created_at);
CREATE INDEX escalations_by_time ON escalations USING brin (created_at);

-- The runs of a document, of which there are few beside those of tickets: what models wrote in them goes with the document.
CREATE INDEX runs_of_documents ON runs (tenant_id, subject_id) WHERE pipeline = 'index-document';
