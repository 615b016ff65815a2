"""The Durable Functions HTTP API over any task hub."""
