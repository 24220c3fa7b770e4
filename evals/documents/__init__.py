"""How fast documents of each format are read, and in how much memory, beside markitdown."""
