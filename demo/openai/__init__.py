"""The stand-in for an OpenAI-compatible server."""
