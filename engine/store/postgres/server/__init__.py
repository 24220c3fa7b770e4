"""Connections to a PostgreSQL server, for the state and for blobs."""
