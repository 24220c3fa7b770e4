"""Notion through notion-client."""

from clients.notion.client import NotionClient, NotionSettings

__all__ = ["NotionClient", "NotionSettings"]
