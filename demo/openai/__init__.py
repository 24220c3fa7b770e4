"""The stand-in for a server that speaks OpenAI's API."""
