"""The stand-in for the GitHub API."""
