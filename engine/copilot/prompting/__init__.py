"""Conversations with a model about a prompt, and the texts that it proposes for it."""
