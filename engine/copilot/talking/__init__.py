"""The conversation with a model: what it knows, what it may do, and what it has said."""
