"""Benchmarks of pages in a headless Chromium: the canvas, and the first word of the co-pilot."""
