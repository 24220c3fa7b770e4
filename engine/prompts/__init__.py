"""Prompts: their files, versions and labels, and how their variables are filled."""
