"""Google Calendar: events and free time."""
