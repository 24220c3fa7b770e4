"""Workflows as tools of other programs, by the Model Context Protocol (docs/mcp.md)."""
