"""Routes for projects: programs that workflows and people write together."""
