"""Benchmarks of `orchestra serve`: at rest, with open pages and sockets, and with many clients of the API."""
