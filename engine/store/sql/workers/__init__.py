"""The processes that work on runs, and which run each takes next."""
