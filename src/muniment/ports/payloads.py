"""Payloads: what people typed, apart from the log so that it can be erased."""

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
        """Keep a payload under its digest, which is returned; a label makes it findable.

        `principal` is who typed it or whom it names, and `personal` says that it names them. One that is
        kept already stays as it is.
        """

    def find(self, digest: str) -> str | None:
        """Find a text by digest; None if it was erased or never kept."""

    def erase(self, digest: str) -> bool:
        """Forget a text for good, and its salt; say whether there was one."""

    def find_of(self, principal: str, *, personal: bool) -> list[str]:
        """Find the digests of what is a principal's: of all of it, or of what names them only."""

    def find_labelled(self, label: str) -> list[str]:
        """Find the digests of the payloads that have a label."""
