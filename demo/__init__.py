"""Loopback stand-ins that speak the real HTTP APIs of Gmail, Notion, GitHub and an OpenAI-compatible model."""
