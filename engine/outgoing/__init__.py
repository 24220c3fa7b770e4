"""What goes out is made harmless where a person would not see it: links, images, hidden characters.

Begin with `harmless.py`, called for each field of a write that holds text from outside. `markdown.py` rewrites links;
`github_reading.py` has the last word, with the parser that GitHub uses. A promise of docs/trust.md rests on it.
"""
