"""The page of a form that strangers fill in, as HTML of its own: without scripts, cookies or external resources."""
