"""Puts a workspace together: what is open of it, and families of areas, each made on first use from those below it.

Begin with `engine/orchestra.py`, the façade that every face calls; each `…_areas.py` here makes some of its areas.
`gate.py` stands before all of them and holds what is asked against the `access` of a workflow; `gate_rules.py` is its
table. Nothing but the façade imports this folder.
"""
