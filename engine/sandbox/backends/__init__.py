"""The ladder of sandboxes: bubblewrap, Docker, Monty; code runs on the first that is there and has what it needs."""
