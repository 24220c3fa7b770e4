"""Markdown to Notion blocks and back."""
