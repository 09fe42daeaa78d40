-- What `parse` took for the title of the version named by content_hash, for documents whose producer gave none.
ALTER TABLE documents ADD COLUMN found_title text;
