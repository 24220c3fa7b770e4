"""Notion steps."""
