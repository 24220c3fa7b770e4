"""What the steps of a draft would get, with the outputs that a run has recorded."""
