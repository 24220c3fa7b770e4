"""Runs that pause before steps, on the stand-ins."""
