"""The open project on the page Projects."""
