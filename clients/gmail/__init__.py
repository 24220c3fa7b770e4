"""Gmail through google-api-python-client."""

from clients.gmail.client import GmailClient
from clients.gmail.service import GmailSettings

__all__ = ["GmailClient", "GmailSettings"]
