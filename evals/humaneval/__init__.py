"""HumanEval's problems, solved by the software builder and judged by their own tests in the sandbox."""
