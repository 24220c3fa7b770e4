"""One poll of a trigger: new items, their runs, the cursor, in one transaction."""
