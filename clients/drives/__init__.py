"""What all drives share: the port, file names, and downloads in parts."""
