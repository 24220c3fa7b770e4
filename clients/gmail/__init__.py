"""Gmail through google-api-python-client."""
