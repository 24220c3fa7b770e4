"""OpenAI and compatible servers, through the openai SDK."""
