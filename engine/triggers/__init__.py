"""The trigger types: one file a family."""
