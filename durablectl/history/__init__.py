"""History events and their written forms: stored, exported, the service's, the SDK's."""
