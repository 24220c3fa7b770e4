"""The projects of the workspace: programs that workflows write."""
