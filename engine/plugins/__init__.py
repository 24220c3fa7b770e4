"""The base classes of step types and trigger types, and the registry that finds them."""
