"""Middlewares of calls that ask a model: which one, within which budget, and who sees the answer arrive."""
