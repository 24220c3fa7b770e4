"""Whose account each service means, and the demo services that stand in for them."""
