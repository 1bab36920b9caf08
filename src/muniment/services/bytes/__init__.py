"""Bytes: uploads, who holds which blobs, and small documents."""
