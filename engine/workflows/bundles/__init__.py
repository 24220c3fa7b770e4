"""A workflow with its prompts and fragments as one file, to copy it to another workspace."""
