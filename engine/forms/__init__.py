"""Forms that strangers fill in: their fields, what may be typed into them, and the folder where submissions wait."""
