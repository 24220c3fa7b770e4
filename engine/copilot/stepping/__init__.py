"""A run told step by step."""
