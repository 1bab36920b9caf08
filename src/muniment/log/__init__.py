"""Proofs: RFC 6962 arithmetic over bytes. Pure, standard library only."""
