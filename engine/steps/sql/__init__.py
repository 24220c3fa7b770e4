"""Steps of SQL databases."""
