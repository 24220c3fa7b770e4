"""Editors of plain texts."""
