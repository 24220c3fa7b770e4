"""120 requests to the co-pilot as ordinary people write them, and a judge of what it proposes."""
