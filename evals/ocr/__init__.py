"""How well scans are read: pages of our own, and the errors in each kind of them."""
