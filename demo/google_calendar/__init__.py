"""The stand-in for Google Calendar."""
