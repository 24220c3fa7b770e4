"""What people and the co-pilot have said and proposed, kept in the state."""
