"""Files of the workspace: read anywhere in it, written in the folder of a connection."""
