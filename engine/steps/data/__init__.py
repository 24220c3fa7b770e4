"""Steps that check and compare values."""
