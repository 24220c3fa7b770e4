"""What `ask` does with a model: about a workflow, and about a prompt."""
