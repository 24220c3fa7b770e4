"""The stand-in for the Gemini API."""
