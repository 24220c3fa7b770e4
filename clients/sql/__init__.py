"""SQL databases: SQLite files, PostgreSQL, and MySQL with MariaDB."""
