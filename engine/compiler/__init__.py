"""Compile a workflow file to an executable plan, and report all of its problems at once."""
