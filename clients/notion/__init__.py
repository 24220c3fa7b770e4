"""Notion through notion-client."""
