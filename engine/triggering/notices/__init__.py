"""What people are notified of beside questions and triggers, how it reaches them, and the thread that looks for it."""
