"""Accept, show, summarize, undo and retain runs."""
