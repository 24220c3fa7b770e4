"""The store on SQLite: one file, `state.db`, that all processes of a machine share; the only SQL of the engine."""
