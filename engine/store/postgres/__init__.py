"""The store on a PostgreSQL server, which the processes of several machines share."""
