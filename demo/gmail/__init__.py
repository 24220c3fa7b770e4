"""The stand-in for the Gmail API."""
