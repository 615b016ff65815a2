"""Model to text: what a person or a pipe reads."""
