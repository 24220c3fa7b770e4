"""Watches for what is new, and turns each new thing into exactly one run."""
