"""What the clients of models share."""
