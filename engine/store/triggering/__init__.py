"""The ports of triggers: where each stands, the runs that it starts, and the accounts that refuse it."""
