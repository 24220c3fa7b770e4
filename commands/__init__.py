"""The commands of `orchestra`, one file per group: they read arguments and print results, the engine does the work."""
