"""Which part of a workflow a run executes, and what stands in for the rest."""
