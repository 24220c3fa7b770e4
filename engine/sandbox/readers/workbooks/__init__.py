"""Workbooks of Excel and OpenDocument, and what in them is not a plain value."""
