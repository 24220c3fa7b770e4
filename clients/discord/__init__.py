"""Discord: messages of a bot or a webhook."""
