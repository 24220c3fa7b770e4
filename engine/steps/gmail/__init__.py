"""Gmail steps."""
