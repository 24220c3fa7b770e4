"""The pace of accounts: how fast each may be used, by all processes together."""
