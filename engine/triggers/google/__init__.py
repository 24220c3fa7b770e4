"""Triggers of Google Calendar and Google Sheets."""
