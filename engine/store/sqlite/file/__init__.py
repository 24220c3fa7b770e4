"""The file `state.db` itself: opened, migrated, checked and, if it is damaged, moved aside."""
