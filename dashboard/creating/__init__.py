"""A new workflow from three answers: when, what, and what then."""
