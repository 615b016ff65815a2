"""One completion script a shell. They ask the program for every answer, and so never grow old."""
