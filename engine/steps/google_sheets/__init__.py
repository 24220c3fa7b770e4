"""Steps of Google Sheets."""
