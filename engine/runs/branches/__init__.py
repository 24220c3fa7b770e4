"""Branches of workflows: made, compared and merged."""
