"""Long-lived commands of a local hub: worker and serve."""
