"""The Co-pilot tab of a prompt."""
