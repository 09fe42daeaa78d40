-- Most tickets begin a conversation of their own, which is named after them (`ownConversationId`): their own key finds them. Only those that
-- came into another's conversation, or into one that the producer named, need an index, which costs every ticket that is in it.
DROP INDEX tickets_by_conversation;
CREATE INDEX tickets_by_conversation ON tickets (tenant_id, conversation_id, created_at) WHERE substr(conversation_id, 5) <> substr(id, 5);
