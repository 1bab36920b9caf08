"""Settings of the server, the only reader of its environment. See docs/reference/settings.md."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from muniment.core.addresses import AllowedAddresses
from muniment.core.errors import InvalidSetting

Bytes = Annotated[int, Field(ge=0)]


class ServerSettings(BaseSettings):
    """The server's environment variables: MUNIMENT_ and the name of the field."""

    model_config = SettingsConfigDict(env_prefix="MUNIMENT_", frozen=True, extra="ignore")

    data: Path = Field(Path("muniment-data"), description="the directory of the database, blobs and keys")
    database: SecretStr | None = Field(
        None, description="the URL of a PostgreSQL database; without it, SQLite in the directory"
    )
    blobs: str | None = Field(
        None, description="the URL of an object store (s3://, gs://, az://); without it, the directory"
    )
    direct: bool = Field(
        default=True,
        description="let clients send large blobs straight to the S3 store, which they must be able to reach",
    )
    link: bool = Field(
        default=True,
        description="share large files with clients of the same user on this machine without sending them",
    )
    direct_put: Bytes = Field(
        5 << 30,
        description="the largest blob that goes to the store in one request, in bytes; others go in parts",
    )
    keys: Path | None = Field(
        None, description="the directory of the log's keys; without it, `keys` in the directory"
    )
    public_url: HttpUrl | None = Field(
        None, description="the URL at which clients reach the server, if it is behind a proxy"
    )
    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on")
    workers: int = Field(1, ge=1, le=64, description="the number of server processes")
    tls_certificate: Path | None = Field(None, description="the certificate chain (PEM) for TLS")
    tls_key: Path | None = Field(None, description="the certificate's key (PEM)")
    max_body: Bytes = Field(
        32 << 20, description="the size of the largest request body other than an upload, in bytes"
    )
    max_blob: Bytes = Field(5 << 40, description="the size of the largest blob, in bytes")
    max_pending: Bytes = Field(
        1 << 40, description="how much a principal may upload without publishing it, in bytes"
    )
    rate: float = Field(
        0, ge=0, description="requests per second that each caller may make in the long run; 0 for no limit"
    )
    burst: int = Field(200, ge=1, description="requests that each caller may make at once, if a rate is set")
    pause: float = Field(30, gt=0, description="seconds to wait for the next part of a request body")
    scan: bool = Field(default=True, description="scan published files, and sign the findings")
    recovery_hours: float = Field(
        24,
        ge=1,
        le=24 * 30,
        description="how long an invitation for somebody who has signed in before cannot be used, in hours",
    )
    oidc_issuer: HttpUrl | None = Field(
        None, description="the URL of the OpenID Connect provider that people log in with"
    )
    oidc_client_id: str = Field("", description="the registry's client id at the provider")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""), description="the registry's client secret at the provider"
    )
    allow_addresses: str = Field(
        "",
        description="hosts and networks (10.0.0.0/8), with commas, that are not public and that webhooks and"
        " issuers may be at",
    )
    smtp_url: str | None = Field(
        None, description="the mail server, smtp://host:587 or smtps://host:465; without it, no mail is sent"
    )
    smtp_user: str = Field("", description="the user at the mail server")
    smtp_password: SecretStr = Field(SecretStr(""), description="the user's password")
    smtp_from: str = Field("", description="the address that mail comes from")
    log_format: Annotated[str, Field(pattern="^(json|text)$")] = Field(
        "json", description="the format of the server's log: json or text"
    )
    metrics_token: SecretStr | None = Field(
        None, description="the token that /metrics requires; without it, anybody may read them"
    )

    @field_validator("allow_addresses")
    @classmethod
    def _check_addresses(cls, text: str) -> str:
        AllowedAddresses.read(text)
        return text

    @classmethod
    def load(cls, **given: object) -> "ServerSettings":
        """Read the environment; `given` values that are not None take precedence.

        Raises:
            InvalidSetting: a value is invalid.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type] # pydantic checks them
        except ValidationError as error:
            fault = error.errors()[0]
            name = "_".join(str(part) for part in fault["loc"]).upper()
            raise InvalidSetting(name=f"MUNIMENT_{name}", reason=fault["msg"]) from None

    @property
    def address(self) -> str:
        """The URL at which clients reach the server."""
        if self.public_url is not None:
            return str(self.public_url).rstrip("/")
        return f"{'https' if self.tls_certificate else 'http'}://{self.host}:{self.port}"

    @property
    def allowed(self) -> AllowedAddresses:
        """The addresses that the server may call though they are not public; its own settings count."""
        own = [] if self.oidc_issuer is None else [str(self.oidc_issuer)]
        return AllowedAddresses.read(self.allow_addresses, *own)

    @property
    def keys_directory(self) -> Path:
        """The directory of the log's keys."""
        return self.keys or self.data / "keys"


class S3Credentials(BaseSettings):
    """The credentials of an S3 store, from the variables of its own tools."""

    model_config = SettingsConfigDict(env_prefix="AWS_", frozen=True, extra="ignore")

    endpoint_url: str = ""
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    session_token: SecretStr = SecretStr("")
    region: str = "us-east-1"
