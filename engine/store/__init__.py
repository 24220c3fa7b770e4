"""Live state in `.orchestra/state.db`: what must survive a crash and is not a file that people read."""
