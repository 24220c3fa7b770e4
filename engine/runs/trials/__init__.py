"""Trying what a workflow does: made-up values for one step, a draft step by step, and what a draft would do."""
