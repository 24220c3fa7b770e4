"""Runs a plan: each step once, each effect once, whatever happens in between."""
