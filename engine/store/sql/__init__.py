"""The store in SQL that SQLite and PostgreSQL both know; the only statements of the engine."""
