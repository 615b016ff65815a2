"""A remote task hub over the Durable Task gRPC protocol."""

import os

# grpc reads it when it is imported, and writes its own log to stderr without it
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
