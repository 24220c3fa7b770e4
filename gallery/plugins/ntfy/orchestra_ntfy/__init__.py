"""ntfy for AI-Orchestra."""
