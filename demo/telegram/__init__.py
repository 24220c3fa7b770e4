"""A stand-in for Telegram: a bot, its chats, and the messages that wait for it."""
