"""What the client checks: proofs, its memory of the log, records, versions."""
