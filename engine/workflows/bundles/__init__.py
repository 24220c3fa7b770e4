"""A workflow with what it uses as one file, to copy it to another workspace."""
