"""Finding what a workspace has by the words that a person types."""
