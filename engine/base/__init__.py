"""The foundation of all other packages: errors, time, names, plain values."""
