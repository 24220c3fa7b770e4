"""The encrypted vault for secrets."""
