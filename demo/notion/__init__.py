"""The stand-in for the Notion API."""
