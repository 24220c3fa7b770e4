"""The tables, collections and files that workflows keep, for the people of the workspace.

Begin with `tables.py`. Steps write the same data through the clients of `clients/`; here are only the areas with which
people look at it and correct it. Used by faces alone.
"""
