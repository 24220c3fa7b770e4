"""Steps that compute with lists of objects."""
