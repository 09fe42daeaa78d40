const RUNS = "SELECT id FROM runs WHERE tenant_id = $1 AND subject_id = $2 AND pipeline = 'index-document'"

/**
 * Replies of models in runs of a document quote it, and requests that waited for a batch hold it; what they cost stays. The runs stay
 * too: their facts hold no words of it. A request that may be on its way to its provider is emptied with its batch.
 */
const EMPTIED = `
  m AS (UPDATE model_calls SET reply = '' WHERE tenant_id = $1 AND reply <> '' AND run_id IN (${RUNS})),
  b AS (UPDATE batch_requests SET body = '' WHERE tenant_id = $1 AND state <> 'packed' AND body <> '' AND run_id IN (${RUNS}))`

/** All that hangs on the row of the document $2 of the tenant $1, once that row is gone. */
export const REMOVE_PARTS = `
  WITH c AS (DELETE FROM chunks WHERE tenant_id = $1 AND document_id = $2),
    p AS (DELETE FROM parsed_documents WHERE tenant_id = $1 AND document_id = $2),
    o AS (DELETE FROM document_originals WHERE tenant_id = $1 AND document_id = $2),
    ${EMPTIED.trim()}
  DELETE FROM vectors WHERE tenant_id = $1 AND document_id = $2`

/** What a run was writing just when its document went; the other tables take nothing of a document that is not there. */
export const REMOVE_REPLIES = `WITH ${EMPTIED.trim()} SELECT 1`

/** Runs under way of a document. */
export const OPEN_RUNS = `${RUNS} AND status IN ('queued', 'running', 'delayed', 'parked', 'waiting')`
