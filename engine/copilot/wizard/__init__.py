"""The wizard: a workflow from a few choices (what is read, when, which ones, what becomes of them), without a model."""
