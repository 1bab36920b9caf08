"""Comments on a version, a request or an emergency: erasable Markdown with mentions."""

import re
from typing import Final

from muniment.answers.people import roles_of
from muniment.answers.resolve import resolve
from muniment.core.errors import InvalidOption, PrincipalNotFound, RequestNotFound
from muniment.core.events import CommentErased, CommentPosted
from muniment.core.names import ModelName
from muniment.core.people.roles import Act
from muniment.core.records import CommentRecord, MoveRecord, RequestRecord, VersionRecord
from muniment.core.verbs.catalog import EraseComment, PostComment
from muniment.ports.unit import Unit
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction

MAX_COMMENT_CHARACTERS: Final = 20_000
_MAX_MENTIONS: Final = 50
# @vera, @"Vera Smith"; not the domain of an address.
_MENTION: Final = re.compile(r'(?<![\w.])@(?:"([^"\n]{1,200})"|([\w][\w.-]{0,199}))')


def post_comment(tx: Transaction, command: PostComment) -> Outcome:
    """Post a comment. People mentioned in it who may read here get it in their inbox.

    Raises:
        InvalidOption: it is empty or too long.
        RequestNotFound: `about` is not a request or an emergency of this version.
    """
    version = resolve(tx.unit, command.reference)
    if not 0 < len(command.text.text.strip()) <= MAX_COMMENT_CHARACTERS:
        raise InvalidOption(option="text", reason=f"must have 1 to {MAX_COMMENT_CHARACTERS} characters")
    if command.about is not None:
        _check_about(tx.unit, version, command.about)
    event = CommentPosted(
        name=command.reference.name,
        number=version.number,
        about=command.about,
        text=tx.keep(command.text),
        mentions=tuple(_find_mentions(tx, version, command.text.text)),
    )
    return Outcome(tx.record(event))


def erase_comment(tx: Transaction, command: EraseComment) -> Outcome:
    """Erase the text of a comment: your own, or with the right to erase people, anybody's.

    Raises:
        RequestNotFound: the comment does not exist.
    """
    record = tx.unit.projections.find(CommentRecord, (command.comment,))
    if record is None or not tx.may(Act.COMMENT, ModelName.parse(record.name).namespace):
        raise RequestNotFound(entry=command.comment, kind="comment")
    name = ModelName.parse(record.name)
    if record.author != tx.actor:
        tx.require(Act.ERASE, name.namespace)
    tx.unit.payloads.erase(record.text)
    return Outcome(tx.record(CommentErased(name=name, number=record.number, comment=record.index)))


def _check_about(unit: Unit, version: VersionRecord, about: int) -> None:
    record = unit.projections.find(RequestRecord, (about,)) or unit.projections.find(MoveRecord, (about,))
    if record is None or (record.name, record.number) != (version.name, version.number):
        raise RequestNotFound(entry=about, kind="request or emergency of this version")


def _find_mentions(tx: Transaction, version: VersionRecord, text: str) -> list[str]:
    """Find the mentioned people, except the author and those who may not read here."""
    namespace = ModelName.parse(version.name).namespace
    mentions: list[str] = []
    for quoted, plain in _MENTION.findall(text)[:_MAX_MENTIONS]:
        try:
            principal = get_principal(tx.unit, quoted or plain.rstrip(".-")).id
        except PrincipalNotFound:
            continue
        if principal not in {*mentions, tx.actor} and roles_of(tx.unit, principal, namespace):
            mentions.append(principal)
    return mentions
