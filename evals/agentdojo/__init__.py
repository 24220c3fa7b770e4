"""AgentDojo's task suites, worked on by our agents (`make agent-eval`)."""
