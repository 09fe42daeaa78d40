-- A key of a ticket keeps the ids of what it made, not the response that follows from them.
UPDATE idempotency_keys SET response = jsonb_build_object('ticketId', (response ->> 'body')::jsonb -> 'ticketId', 'runId', (response ->> 'body')::jsonb -> 'runId')
WHERE route IN ('POST /v1/tickets', 'POST /v1/tickets/bulk', 'POST /v1/chat/completions') AND response ? 'body';
