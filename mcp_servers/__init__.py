"""MCP servers that come with toolgate. Each is started as `python -m mcp_servers.NAME` and speaks over stdio."""
