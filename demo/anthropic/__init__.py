"""The stand-in for Anthropic's API."""
