"""What the clients of the workspace's own data share."""
