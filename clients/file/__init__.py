"""Files of the workspace: read where they are, written in a folder for such."""
