"""One matter of a step's call in each file; chain.py says in which order they stand around it."""
