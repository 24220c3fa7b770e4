"""Correct what a model answered: undo what followed from it, and do the item again."""
