"""What a plan records beside what every run does, and how it is compared with the world later."""
