"""Full-text search over a workspace."""
