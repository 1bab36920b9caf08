"""Checks of the client: proofs, its memory of the log, records, versions."""
