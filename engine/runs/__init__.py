"""Accept, show, summarize, undo and retain runs.

Begin with `runs.py`, the area that front ends call, and `starting/`, how a run is accepted. Each folder is one thing
that people do with runs: `planning/`, `undo/`, `compare/`, `correcting/`, `prompt_tries/` … It uses `runner/`.
"""
