"""Steps that read files of any kind, and write files in the workspace."""
