"""Packages that `pip install` puts beside the product: which there are, and what they add."""
