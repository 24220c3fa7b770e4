"""Tables of text, and what does not fit in them."""
