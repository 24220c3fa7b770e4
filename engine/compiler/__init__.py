"""From a workflow file to a plan that may run, with everything that is wrong said at once."""
