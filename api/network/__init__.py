"""Connections, addresses, headers, and which requests may come in."""
