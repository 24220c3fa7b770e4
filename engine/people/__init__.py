"""Authorization, the audit trail, and authentication."""
