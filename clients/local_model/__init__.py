"""A small model on this machine: its file is fetched once, and llama.cpp's server runs while it is needed."""
