"""Routes for the data that workflows keep."""
