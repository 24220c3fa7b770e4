"""The foundation of all other packages: errors, time, names, plain values.

Begin with `errors.py`: every error says where, which value was seen, and what to do. `statuses.py` has the states of
runs and steps. Imports nothing above it.
"""
