"""What goes out is made harmless where a person would not see it: links, images, hidden characters."""
