"""The basis of every page: the page contract, the session, fields that keep typed text."""
