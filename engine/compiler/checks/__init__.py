"""The checks of a workflow, each of which adds problems to one report."""
