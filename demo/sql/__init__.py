"""The sample database of the demo."""
