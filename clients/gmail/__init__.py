"""Gmail through google-api-python-client."""

from clients.gmail.client import GmailClient, GmailSettings

__all__ = ["GmailClient", "GmailSettings"]
