"""The terminal, thin over the SDK."""
