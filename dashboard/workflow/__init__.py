"""The parts of the workflow page."""
