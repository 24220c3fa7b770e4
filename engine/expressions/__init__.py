"""The `{{ }}` language: finding expressions, checking their types, and evaluating them."""
