"""Bytes: paths, formats, manifests, and hashing."""
