"""Commands: serve, webhooks, administration."""
