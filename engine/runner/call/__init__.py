"""The call of a step: everything between the runner and a service. Begin with `chain.py`."""
