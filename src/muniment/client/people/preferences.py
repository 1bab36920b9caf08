"""Our preferences: `registry.preferences`."""

from collections.abc import Sequence
from dataclasses import replace

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import InvalidOption
from muniment.core.names import ModelName
from muniment.core.payloads import Payload
from muniment.core.people.preferences import Preferences as Stated
from muniment.core.receipts import Receipt
from muniment.core.verbs.catalog import GetModel
from muniment.core.verbs.people import GetPreferences, SetPreferences


class Preferences:
    """The models that we follow, and the address that our inbox is mailed to. Only we can read them."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Use a backend."""
        self._backend = backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Preferences of {self._backend.location}>"

    def read(self) -> Stated:
        """Read our preferences, proven to be the newest."""
        text = self._backend.ask(GetPreferences(principal=self._backend.principal)).text
        return Stated() if text is None else Stated.read(text)

    def follow(self, name: str) -> Receipt:
        """Get the news of a model in our inbox: versions, moves, statuses and policies.

        Raises:
            ModelNotFound: there is no such model, or we may not read it.
            InvalidOption: we follow too many.
        """
        model, stated = ModelName.parse(name), self.read()
        self._backend.ask(GetModel(name=model))
        return self._set(replace(stated, follows=tuple(sorted({*stated.follows, model}))))

    def unfollow(self, name: str) -> Receipt:
        """Get no more news of a model."""
        model, stated = ModelName.parse(name), self.read()
        return self._set(replace(stated, follows=tuple(one for one in stated.follows if one != model)))

    def follows(self) -> Sequence[str]:
        """List the models that we follow."""
        return [str(name) for name in self.read().follows]

    def mail(self, email: str | None = None, *, on: bool = True) -> Receipt:
        """Let the server send what is new in our inbox to an address, or to the one on record, or stop it.

        Raises:
            InvalidOption: it is not an address, or none is on record.
        """
        stated = self.read()
        address = stated.email if email is None else email
        if on and not address:
            raise InvalidOption(option="email", reason="is needed: there is no address on record")
        return self._set(replace(stated, email=address, mail=on))

    def _set(self, stated: Stated) -> Receipt:
        preferences = Payload.of(stated.write())
        return self._backend.execute(
            SetPreferences(principal=self._backend.principal, preferences=preferences)
        )
