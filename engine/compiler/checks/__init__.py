"""The checks of a workflow; each adds its problems to one report."""
