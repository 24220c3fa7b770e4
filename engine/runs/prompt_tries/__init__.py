"""Trying a prompt: one question to a model outside any run."""
