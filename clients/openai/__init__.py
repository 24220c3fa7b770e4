"""OpenAI, and servers that speak its API, through openai."""

from clients.openai.client import OpenAIClient, OpenAISettings

__all__ = ["OpenAIClient", "OpenAISettings"]
