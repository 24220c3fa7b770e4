"""Vectors made on this machine, by a sentence encoder that is fetched once."""
