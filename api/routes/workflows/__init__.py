"""Routes of workflow files."""
