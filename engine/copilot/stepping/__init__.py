"""A run, step by step, in sentences."""
