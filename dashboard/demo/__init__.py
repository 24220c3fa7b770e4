"""The parts of the page Demo."""
