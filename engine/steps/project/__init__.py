"""Steps on projects: programs that a workflow writes and tests, each write a commit."""
