"""Environments as people use them: their connections and variables, and promoting workflows from one to another."""
