"""The files of a workspace: validated when read, written atomically, with settings and saved versions.

Begin with `workspace.py` (the folder and its parts), `config.py` (the settings) and `file_store.py` (a folder of named
files, saved without losing edits). Stands below everything that knows what a workflow or a prompt is.
"""
