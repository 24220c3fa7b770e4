"""What the clients of chats share: requests, and Markdown as each of them writes it."""
