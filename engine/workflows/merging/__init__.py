"""Three-way merges of workflows: what was changed on one side is taken, what clashes is shown."""
