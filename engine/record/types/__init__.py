"""The types of what is stored about a run: its document, the steps in it, and its acceptance, as JSON."""
