"""The parts of the prompt page."""
