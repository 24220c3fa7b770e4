"""From an empty workspace to a run on a person's own mail, in five steps."""
