"""The co-pilot: what it proposes for a draft, and who it says it to."""
