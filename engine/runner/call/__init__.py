"""The call of a step: all that stands between the walk of a run and a service. Begin with `chain.py`."""
