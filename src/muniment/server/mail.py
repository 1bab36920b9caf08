"""Send letters by SMTP (RFC 5321): what is new in an inbox, in plain words.

A letter holds no text that somebody typed, such as a reason, and nothing that lets anybody in. TLS is
required, except on this machine.
"""

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from muniment.core.counting import count
from muniment.core.errors import InvalidSetting, RegistryUnreachable
from muniment.core.gates.inbox import InboxItem
from muniment.core.texts import in_line
from muniment.ports.clock import Clock
from muniment.server.settings import ServerSettings
from muniment.services.upkeep.letters import Letter, Letters

_TIMEOUT_S: Final = 30.0
_MOST_ITEMS: Final = 50
# The ports of submission (RFC 6409), and of submission over TLS (RFC 8314).
_PORTS: Final = {"smtp": 587, "smtps": 465}

Send = Callable[[EmailMessage], None]


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Sends letters. `origin` names the log, `address` the registry, and `sender` who writes them."""

    letters: Letters
    clock: Clock
    origin: str
    address: str
    sender: str
    send: Send

    def deliver(self, principal: str) -> str:
        """Send a person what is new.

        Raises:
            RegistryUnreachable: the mail server did not take it; it is put back, and the job is retried.
        """
        letter = self.letters.take(principal)
        if letter is None or not letter.items:
            return "nothing"
        try:
            self.send(self._write(principal, letter))
        except (OSError, smtplib.SMTPException) as error:
            self.letters.put_back(principal, letter)
            raise RegistryUnreachable(location="the mail server", reason=_describe(error)) from None
        return count(len(letter.items), "item")

    def _write(self, principal: str, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = Address(addr_spec=self.sender, display_name="Muniment")
        message["To"] = Address(addr_spec=letter.email)
        message["Date"] = format_datetime(self.clock())
        message["Subject"] = f"{count(len(letter.items), 'new item')} in your inbox"
        message["Message-ID"] = f"<{self._name(principal, letter)}@{self.sender.partition('@')[2]}>"
        # RFC 3834: nobody who is away answers it.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._write_body(letter.items))
        return message

    def _name(self, principal: str, letter: Letter) -> str:
        return hashlib.sha256(
            f"{self.origin} {principal} {letter.before} {letter.after}".encode()
        ).hexdigest()

    def _write_body(self, items: tuple[InboxItem, ...]) -> str:
        left = len(items) - _MOST_ITEMS
        lines = [
            f"Your inbox at {self.address} has {count(len(items), 'new item')}:",
            "",
            *(f"* {write_item(item)}" for item in items[:_MOST_ITEMS]),
            *([f"* and {count(left, 'other')}"] if left > 0 else []),
            "",
            "`muniment inbox` shows them, with what people wrote and what to type.",
            "",
            "You get this mail since you asked for it; `muniment mail --off` stops it.",
        ]
        return "\n".join(lines)


def write_item(item: InboxItem) -> str:
    """Write an item on a line, without what somebody typed."""
    where = f"{item.reference} for {item.alias}" if item.alias else item.reference
    late = "overdue: " if item.overdue else ""
    due = f", due {item.due}" if item.due else ""
    # Ids of rules are taken from policies as they are.
    return in_line(" ".join(f"{late}{where}: {item.what}{due}".split()))


def make_sender(
    url: str, user: str = "", password: str = "", *, context: ssl.SSLContext | None = None
) -> Send:
    """Make a sender to an SMTP server, `smtp://host[:port]` or `smtps://host[:port]`.

    `smtp` begins in the clear and switches to TLS (STARTTLS), which is required except for this machine.

    Raises:
        InvalidSetting: the URL has another form.
    """
    scheme, host, port = _read_url(url)
    trust = context or ssl.create_default_context()

    def send(message: EmailMessage) -> None:
        with ExitStack() as stack:
            if scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=trust)
            else:
                server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
            stack.enter_context(server)
            if scheme == "smtp" and not _is_here(host):
                server.starttls(context=trust)
            if user:
                server.login(user, password)
            server.send_message(message)

    return send


def make_mail(settings: ServerSettings, letters: Letters, clock: Clock, origin: str) -> Mail:
    """Make what sends the letters of a registry, by the settings of its server.

    Raises:
        InvalidSetting: the URL of the mail server or the sender is not valid.
    """
    try:
        Address(addr_spec=settings.smtp_from)
    except (ValueError, IndexError) as error:
        raise InvalidSetting(name="MUNIMENT_SMTP_FROM", reason="it must be one address") from error
    send = make_sender(settings.smtp_url or "", settings.smtp_user, settings.smtp_password.get_secret_value())
    return Mail(
        letters=letters,
        clock=clock,
        origin=origin,
        address=settings.address,
        sender=settings.smtp_from,
        send=send,
    )


def _read_url(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = not (parts.username or parts.password or parts.query or parts.path.strip("/"))
    if parts.scheme not in _PORTS or not parts.hostname or not plain:
        reason = "it must be smtp://host:port or smtps://host:port, and the user and password stand elsewhere"
        raise InvalidSetting(name="MUNIMENT_SMTP_URL", reason=reason)
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _is_here(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _describe(error: OSError | smtplib.SMTPException) -> str:
    """Describe a fault, without the address of a person, which servers repeat."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            codes = sorted({code for code, _ in refused.values()})
            return f"it refuses the address, with {', '.join(map(str, codes))}"
        case smtplib.SMTPResponseException(smtp_code=code):
            return f"{type(error).__name__}, with {code}"
        case smtplib.SMTPException():
            return type(error).__name__
        case _:
            return f"{type(error).__name__}: {error.strerror or ''}".strip(": ")
