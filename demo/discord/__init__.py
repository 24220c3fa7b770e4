"""A stand-in for Discord: one server with text channels, a bot and a webhook."""
