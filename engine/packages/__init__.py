"""Packages that `pip install` puts beside the product: which there are, and what they add.

Begin with `installed.py`, which finds them without importing them; `in_force.py` says which are used.
The registry of `plugins/` asks here.
"""
