"""How well questions find their passages: documents and questions of our own, and the share that is found."""
