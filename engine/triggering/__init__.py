"""Watch for new items, and turn each of them into exactly one run."""
