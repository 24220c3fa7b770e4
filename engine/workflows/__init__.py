"""Workflow files: reading, checking, compiling, formatting."""
