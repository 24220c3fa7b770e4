"""What a person who runs the workspace looks after: its health, copies, upkeep, demo, settings, what needs them."""
