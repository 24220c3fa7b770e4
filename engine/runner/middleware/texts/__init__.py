"""What is done to the texts of a call before it is made."""
