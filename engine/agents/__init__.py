"""Agents: a model that chooses among tools, turn by turn, as steps that are recorded like all others.

Begin with `agent_file.py` (what an agent is) and `expansion.py` (the workflow that it becomes); `tool_check.py` says
what its model may fill in. `agents.py`, `versions.py` and `tries.py` are the areas that front ends call.
It uses `workflows/` and `compiler/`.
"""
