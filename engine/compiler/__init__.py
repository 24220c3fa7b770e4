"""Compile a workflow file to an executable plan, and report all of its problems at once.

Begin with `compiler.py`, then `steps.py` (one step to a node). `definition/` has the models of the file and of the
plan, `analysis/` what can be known of values before a run, `checks/` one module for each kind of problem: a new check
is a new module there. It does no I/O and asks no service. Used by `workflows/`, `runs/` and the co-pilot.
"""
