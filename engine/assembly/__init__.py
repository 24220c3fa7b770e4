"""Puts a workspace together: what is open of it, and families of areas, each made on first use from those below it."""
