"""The basis of every route: identity, errors, typed bodies."""
