"""The demonstration: real purchases through the HTTP API on the local stack, and a verdict over every store."""
