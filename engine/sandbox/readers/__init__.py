"""The readers of files, one for each format; they run only in a child process with limits."""
