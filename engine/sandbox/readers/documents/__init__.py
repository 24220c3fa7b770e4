"""Word documents: their text and tables, and what the library for them leaves out."""
