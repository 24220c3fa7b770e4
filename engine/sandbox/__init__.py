"""Process untrusted data in child processes with limits."""
