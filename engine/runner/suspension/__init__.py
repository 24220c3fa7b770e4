"""Runs that wait: for a person, a time, a called run."""
