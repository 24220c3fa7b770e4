"""OpenAI and compatible servers, through the openai SDK."""

from clients.openai.client import OpenAIClient
from clients.openai.service import OpenAISettings

__all__ = ["OpenAIClient", "OpenAISettings"]
