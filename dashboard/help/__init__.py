"""The documentation inside the dashboard."""
