"""The stand-in for OneDrive."""
