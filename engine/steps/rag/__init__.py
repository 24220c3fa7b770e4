"""Steps that index documents, search them, and answer questions from them."""
