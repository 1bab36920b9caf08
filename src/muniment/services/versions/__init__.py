"""Versions: drafts, publication, the claims that come later, and what becomes of them."""
