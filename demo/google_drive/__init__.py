"""The stand-in for Google Drive."""
