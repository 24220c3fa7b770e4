"""Changes proposed for a person's draft: computed facts, ticks, and acceptance."""
