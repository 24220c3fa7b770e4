"""The `{{ }}` language: where expressions stand, what types they have, and what they give."""
