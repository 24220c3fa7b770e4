"""One language for edits of a workflow: operations on step ids, applied to the text of its file."""
