"""Rules that answer in place of a model: the ones of a workflow, how often they did, and what corrections propose."""
