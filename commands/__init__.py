"""The commands of `orchestra`, one file per group; they read arguments and write answers, the engine does the work."""
