"""Messages of a broker start runs, and the broker gets the status of those runs."""
