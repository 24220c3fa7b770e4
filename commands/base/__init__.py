"""The basis of every command: options, output, errors, the open workspace."""
