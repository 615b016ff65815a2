"""A remote task hub over the Durable Functions HTTP API."""
