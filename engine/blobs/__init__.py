"""What runs leave as whole files: the port, and its implementation on the local disk."""
