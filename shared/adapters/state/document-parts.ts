const RUNS = "SELECT id FROM runs WHERE tenant_id = $1 AND subject_id = $2 AND pipeline = 'index-document'"

/**
 * Replies of models in runs of a document quote it, and requests that waited for a batch hold it; what they cost stays. The runs stay
 * too: their facts hold no words of it. A request that may be on its way to its provider is emptied with its batch.
 */
const EMPTIED = `
  m AS (UPDATE model_calls SET reply = '' WHERE tenant_id = $1 AND reply <> '' AND run_id IN (${RUNS})),
  b AS (UPDATE batch_requests SET body = '' WHERE tenant_id = $1 AND state <> 'packed' AND body <> '' AND run_id IN (${RUNS}))`

const removeParts = (only: string) => `
  WITH c AS (DELETE FROM chunks WHERE tenant_id = $1 AND document_id = $2 AND ${only}),
    p AS (DELETE FROM parsed_documents WHERE tenant_id = $1 AND document_id = $2 AND ${only}),
    o AS (DELETE FROM document_originals WHERE tenant_id = $1 AND document_id = $2 AND ${only}),
    ${EMPTIED.trim()}
  DELETE FROM vectors WHERE tenant_id = $1 AND document_id = $2 AND ${only}`

/** All that hangs on the row of the document $2 of the tenant $1, once that row is gone. */
export const REMOVE_PARTS = removeParts('true')

/** The same some time later, when somebody may have sent the document again. */
export const REMOVE_LEFT_OVER = removeParts('NOT EXISTS (SELECT 1 FROM documents WHERE tenant_id = $1 AND id = $2)')

const ACTIVE = "('queued', 'running', 'delayed', 'parked', 'waiting')"

/** Runs under way of a document that is gone; whoever has sent it again meanwhile has a run of their own. */
export const OPEN_RUNS = `${RUNS} AND status IN ${ACTIVE}
  AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.tenant_id = $1 AND d.id = $2 AND d.run_id = runs.id)`

/**
 * Of a document d and its run r: nobody will index it any more, though nobody has said that it failed. A run that died or was cancelled
 * leaves its document in whatever state it was; so does one that found parts missing, which another one was just removing.
 */
export const ABANDONED = `(d.state IN ('queued', 'indexing') AND (r.id IS NULL OR r.status NOT IN ${ACTIVE}))`
