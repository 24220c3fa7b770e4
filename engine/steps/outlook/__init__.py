"""Outlook steps."""
