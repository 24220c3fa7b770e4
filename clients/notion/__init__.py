"""Notion through notion-client."""

from clients.notion.client import NotionClient
from clients.notion.service import NotionSettings

__all__ = ["NotionClient", "NotionSettings"]
