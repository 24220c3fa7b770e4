"""Code of the workspace's own workflows, which this machine runs in a sandbox."""
