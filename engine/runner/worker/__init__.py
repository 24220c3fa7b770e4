"""The event loop that executes the runs of this process."""
