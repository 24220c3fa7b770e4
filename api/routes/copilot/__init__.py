"""Routes of the co-pilot."""
