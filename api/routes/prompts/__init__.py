"""The routes about prompts."""
