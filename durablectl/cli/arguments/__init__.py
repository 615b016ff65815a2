"""What stands on the command line, read into values; asks no hub."""
