"""Tools of any server that speaks the Model Context Protocol."""
