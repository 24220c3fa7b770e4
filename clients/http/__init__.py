"""Any server by HTTP."""
