"""The files of a workspace: validated when read, written atomically, with settings and saved versions.

Begin with `workspace.py` (the folder and its parts), `config.py` (the settings) and `file_store.py` (a folder of named
files, saved without losing edits). What a workflow or a prompt means is known above; here they are texts with names.
"""
