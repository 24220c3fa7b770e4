"""Agents: a model that chooses among tools, turn by turn, as steps that are recorded like all others."""
