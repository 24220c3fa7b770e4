"""Anthropic's Claude models, through the anthropic SDK, which is installed on demand."""
