"""The components that show and set up triggers."""
