"""DSSE: a signature covers the payload and its type, length-prefixed (secure-systems-lab/dsse v1)."""


def encode_for_signing(payload_type: str, payload: bytes) -> bytes:
    """Write the pre-authentication encoding (DSSE protocol, PAE).

    >>> encode_for_signing("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
