"""Google's Gemini models, through the google-genai SDK, which is installed on demand."""

from clients.gemini.client import GeminiClient
from clients.gemini.service import GeminiSettings

__all__ = ["GeminiClient", "GeminiSettings"]
