"""The files of environments, and the numbered versions of workflows that they run."""
