"""Steps of agents: run one, ask its model for the next call, ask a person, and say how it ended."""
