"""Benchmarks of runs: chains, loops, many at once, large values, history, and the cold start of a command."""
