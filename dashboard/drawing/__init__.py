"""Drawings of a workflow: nodes, arrows, layout."""
