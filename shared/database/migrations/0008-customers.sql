-- What is kept of one customer, for deletion on request.
CREATE INDEX tickets_by_requester ON tickets (tenant_id, requester_id);
