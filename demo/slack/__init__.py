"""A stand-in for Slack: channels, messages with metadata and threads, reactions."""
