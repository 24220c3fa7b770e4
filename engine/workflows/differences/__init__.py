"""What differs between two texts of a workflow, as records and as sentences."""
