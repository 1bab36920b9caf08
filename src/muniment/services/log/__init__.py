"""The log: proofs of entries, pages in its order, repeated requests."""
