"""Word documents and presentations: their text and tables, and what is left out of them."""
