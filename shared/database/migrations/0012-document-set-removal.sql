-- A set that was deleted is not there any more for anybody but the keeper, which ends its runs and then removes its rows.
ALTER TABLE document_sets ADD COLUMN deleted_at timestamptz;
CREATE INDEX document_sets_deleted ON document_sets (deleted_at) WHERE deleted_at IS NOT NULL;
