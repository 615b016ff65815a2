"""Starting one instance, and showing what was started."""
