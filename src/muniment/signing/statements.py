"""Write statements: checked against the schema of their kind, in RFC 8785 form, and sign them."""

import rfc8785

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import write_statement
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDocument
from muniment.signing.bundle import Bundle, sign_statement
from muniment.signing.keys import Identity
from muniment.signing.schemas import check_predicate


def encode(value: Json) -> bytes:
    """Write any JSON value in its RFC 8785 form, floats included.

    Raises:
        InvalidDocument: NaN, infinity, an integer beyond 2^53-1 or a lone surrogate.
    """
    try:
        return rfc8785.dumps(value)
    except rfc8785.IntegerDomainError as error:
        raise InvalidDocument(reason="an integer is larger than 2^53-1") from error
    except rfc8785.FloatDomainError as error:
        raise InvalidDocument(reason="a number is not finite") from error
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise InvalidDocument(reason="a lone surrogate is not text") from error


def attest(
    subject: Digest, name: str, predicate_type: str, predicate: JsonObject, identity: Identity
) -> Bundle:
    """Sign a claim about a revision. Raises like `write`."""
    return sign_statement(write(subject, name, predicate_type, predicate), identity)


def write(subject: Digest, name: str, predicate_type: str, predicate: JsonObject) -> bytes:
    """Write a claim about a revision, for signing.

    Raises:
        InvalidAttestation: the predicate breaks the schema of its type.
    """
    check_predicate(predicate_type, predicate)
    about: JsonObject = {"name": name, "digest": {"sha256": subject.hex}}
    return encode(write_statement(about, predicate_type, predicate))
