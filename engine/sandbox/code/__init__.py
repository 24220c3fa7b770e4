"""A person's code in the sandbox: its languages, what runs around it inside, and what comes of it."""
