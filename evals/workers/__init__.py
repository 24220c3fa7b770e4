"""Workers on PostgreSQL beside a plain loop that makes the same commits, and beside other engines."""
