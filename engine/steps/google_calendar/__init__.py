"""Steps of Google Calendar."""
