"""Small tables of the workspace itself: what workflows remember from one run to the next."""
