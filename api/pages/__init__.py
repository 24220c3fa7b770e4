"""Pages that need no dashboard: the one behind a link to a question, and what such pages look like."""
