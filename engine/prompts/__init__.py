"""Prompts: their files, their versions and labels, and how they are filled."""
