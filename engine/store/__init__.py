"""What must survive a crash and is not a file that people read: records, and the ports through which they are kept."""
