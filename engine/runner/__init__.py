"""Runs a plan: each step once, each effect once, whatever happens in between.

Begin with `worker/execution.py` (every path out of a run), then `execution/` (steps and loops) and the head of
`call/chain.py`: what surrounds one call, in order, and why. `effects/` sends a write and keeps its receipt,
`suspension/` waits, `tags/` knows which text comes from outside. `runs/` gives it work; it shows nothing to anybody.
"""
