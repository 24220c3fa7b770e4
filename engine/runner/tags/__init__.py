"""The check on the values of a run: text from outside is in no field that must not take it."""
