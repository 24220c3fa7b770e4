"""The file `state.db`: opened, migrated, checked and, if it is damaged, moved aside."""
