"""Everything that imports Rich."""
