"""Anthropic's Claude models, through the anthropic SDK, which is installed on demand."""

from clients.anthropic.client import AnthropicClient
from clients.anthropic.service import AnthropicSettings

__all__ = ["AnthropicClient", "AnthropicSettings"]
