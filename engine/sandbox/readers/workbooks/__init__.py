"""Workbooks of Excel and OpenDocument, and what in them is no plain value."""
