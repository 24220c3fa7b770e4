"""The files of a workspace: validated when read, written atomically, with settings and saved versions."""
