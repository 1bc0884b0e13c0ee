-- What remote MCP servers offer. accepted: the tool as somebody accepted it; seen: as its server described it last;
-- both JSON.
CREATE TABLE mcp_tools (
  tenant_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  server_id TEXT /*postgres COLLATE "C"*/ NOT NULL,
  name      TEXT /*postgres COLLATE "C"*/ NOT NULL,
  accepted  TEXT,
  seen      TEXT,
  PRIMARY KEY (tenant_id, server_id, name)
);
