"""A workflow definition as typed models, and the plan that it compiles to."""
