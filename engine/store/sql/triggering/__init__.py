"""Triggers in `state.db`: where each stands, what it has seen, and what it wants to know about runs."""
