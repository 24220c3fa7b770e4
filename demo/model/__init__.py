"""The demo's language model: deterministic and extractive, without knowledge of the sample data."""
