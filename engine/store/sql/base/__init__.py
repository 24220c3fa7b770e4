"""What the statements of the store need: the tables, shared conditions, and the port of the database."""
