"""Commands for the data that workflows keep."""
