"""The trigger types, one file per family."""
