"""Language model steps."""
