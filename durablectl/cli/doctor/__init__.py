"""What `doctor` checks and finds."""
