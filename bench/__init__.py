"""Benchmarks of the engine; figures are ratios to a limit, the least code that could do the same."""
