"""Pages of the data that workflows read and keep."""
