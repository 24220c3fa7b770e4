"""What the benchmarks share: workspaces, served engines, a slow service, and the figures that they return."""
