"""What is known of runs: how they are accepted, shown, summed up and kept."""
