"""Payloads: texts that people typed, kept outside the log so that they can be erased."""

from typing import Protocol

from muniment.core.payloads import Payload


class Payloads(Protocol):
    """The payloads, inside one unit of work."""

    def put(
        self,
        payload: Payload,
        *,
        label: str | None = None,
        principal: str | None = None,
        personal: bool = False,
    ) -> str:
        """Store a payload under its digest, which is returned; a label makes it findable.

        `principal` typed it or, if it is `personal`, is named in it. A payload that is already stored stays
        as it is.
        """

    def find(self, digest: str) -> str | None:
        """Find a text by digest; None if it was erased or never stored."""

    def pick(self, digest: str) -> Payload | None:
        """Find a text with its salt; None as for `find`."""

    def erase(self, digest: str) -> bool:
        """Erase a text and its salt permanently; return whether there was one."""

    def find_of(self, principal: str, *, personal: bool) -> list[str]:
        """Find the digests of a principal's payloads: all, or with `personal` only those that name them."""

    def find_labelled(self, label: str) -> list[str]:
        """Find the digests of the payloads with a label."""
