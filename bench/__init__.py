"""How fast the engine is, as ratios to the least that could do the same."""
