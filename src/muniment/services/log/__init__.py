"""The log: proofs of its entries, pages in its order, requests that are repeated."""
