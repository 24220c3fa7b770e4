"""What runs leave as whole files: the port, and its implementations on the local disk, in PostgreSQL and in S3."""
