"""Full-text search over a workspace.

Begin with `search.py`; `step_search.py` finds step types by what a person says a step should do.
"""
