"""Read JSON and YAML files with the line and column of every value, and check them against schemas."""
