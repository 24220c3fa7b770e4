"""Benchmarks of checking a workflow before it runs."""
