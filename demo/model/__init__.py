"""The model of the demo: deterministic, extractive, knows no sample."""
