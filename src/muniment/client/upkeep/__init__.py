"""Upkeep: webhooks."""
