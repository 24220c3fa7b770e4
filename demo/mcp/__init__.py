"""The stand-in for MCP servers: a small list of customers, with notes."""
