"""GitHub steps."""
