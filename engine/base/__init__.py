"""The foundation of all other packages: errors, time, names, plain values.

Begin with `errors.py`: every error says where, which value was seen, and what to do. `step_fields.py` has the fields
that every step may have, `statuses.py` the states of runs and steps. Imports nothing above it.
"""
