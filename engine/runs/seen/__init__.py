"""What a model saw in a step of a run."""
