"""Static analysis: which values may be missing where, derived from the conditions of steps."""
