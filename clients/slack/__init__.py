"""Slack: messages and reactions of a bot."""
