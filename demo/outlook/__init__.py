"""The stand-in for Outlook."""
