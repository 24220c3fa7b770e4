"""Trying one step with made-up values in place of what it reads; nothing is written."""
