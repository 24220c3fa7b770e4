"""The files of environments: which labelled or numbered version of each workflow runs there, with which connections.

Begin with `environment_file.py`. The versions are in `workspace/versioned_files.py`; what is done with them, promoting
and branches, is in `runs/environments/` and `runs/branches/`.
"""
