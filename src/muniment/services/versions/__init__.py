"""Versions: drafts, publication, later claims, and the end of life."""
