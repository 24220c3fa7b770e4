"""The components that show questions of runs and take the answers."""
