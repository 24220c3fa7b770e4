"""Commands for people: users, API tokens, the audit trail."""
