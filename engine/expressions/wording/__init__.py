"""The messages of CEL in plain words."""
