"""Plans: what a run would write, shown before it does, and applied only while it still fits the world."""
