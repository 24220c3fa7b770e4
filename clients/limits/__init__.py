"""How long texts may be for a service, and how longer ones fit."""
