"""The commands of workflow files."""
