"""Tools: step types that the people of a workspace write themselves, in `tools/NAME/`."""
