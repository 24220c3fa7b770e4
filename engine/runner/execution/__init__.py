"""Walks a plan: steps, loops and calls, and the record of what they did."""
