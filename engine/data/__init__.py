"""The tables, collections and files that workflows keep, for the people of the workspace."""
