"""What a workspace shows of its work to those who operate it: metrics, and the context of log lines and traces."""
