-- Most tickets begin a conversation of their own, which is named after them (`ownConversationId`): their own key finds them. Only those that
-- came into another's conversation, or into one that the producer named, need an index, which costs every ticket that is in it.
CREATE INDEX tickets_in_conversations ON tickets (tenant_id, conversation_id, created_at) WHERE id <> 'tkt_' || substr(conversation_id, 5);
DROP INDEX tickets_by_conversation;
