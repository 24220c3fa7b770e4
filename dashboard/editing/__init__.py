"""Editing files in the browser: plain texts, and JSON in fields or as text; each with a draft that is never lost."""
