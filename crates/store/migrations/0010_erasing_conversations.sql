-- Conversations are removed when nothing has happened in them for long, and erased with the events that tell of them.
CREATE INDEX conversations_by_activity ON conversations (tenant_id, updated_at);
CREATE INDEX events_by_conversation ON events (tenant_id, subject, id) WHERE substr(subject, 1, 5) = 'conv_';
