"""The files of environments, and the numbered versions of workflows that they run.

Begin with `environment_file.py`; `kept_versions.py` finds a text by number, label or id. What is done with them,
promoting and branches, is in `runs/environments/` and `runs/branches/`.
"""
