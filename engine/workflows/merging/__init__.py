"""Three-way merges of workflows: changes of one side are taken, clashes become conflicts."""
