"""Telegram: messages to and from a bot."""
