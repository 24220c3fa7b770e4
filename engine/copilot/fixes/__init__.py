"""Fixes: changes that mend a problem of a draft or the failure of a run, found without a model."""
