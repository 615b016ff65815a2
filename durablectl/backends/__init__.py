"""Every task hub: `http` (a Durable Functions app) and `local` (the embedded engine)."""
