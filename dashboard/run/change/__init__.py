"""What a person can do with a run: repeat, resume, undo, compare, agree."""
