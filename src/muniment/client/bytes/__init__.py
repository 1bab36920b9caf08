"""Bytes to and from a registry."""
