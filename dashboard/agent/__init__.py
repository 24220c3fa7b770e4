"""The parts of the page of an agent, and the conversation that its run is."""
