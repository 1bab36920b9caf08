"""Settings of the server: the only place where it reads the environment. See docs/reference/settings.md."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from muniment.core.errors import InvalidSetting

Bytes = Annotated[int, Field(ge=0)]


class ServerSettings(BaseSettings):
    """What the environment says, each under MUNIMENT_ and its name."""

    model_config = SettingsConfigDict(env_prefix="MUNIMENT_", frozen=True, extra="ignore")

    data: Path = Field(Path("muniment-data"), description="the directory of database, blobs and keys")
    database: SecretStr | None = Field(
        None, description="a PostgreSQL URL; without it, SQLite in the directory"
    )
    blobs: str | None = Field(
        None, description="the URL of an object store (s3://, gs://, az://); without it, the directory"
    )
    direct: bool = Field(
        default=True, description="clients reach the S3 store themselves: large blobs go straight to it"
    )
    link: bool = Field(
        default=True,
        description="clients that run as our user on this machine hand large files over, and open ours",
    )
    direct_put: Bytes = Field(
        5 << 30, description="the largest blob that goes to the store in one request; others go in parts"
    )
    keys: Path | None = Field(None, description="the directory of the log's keys; `keys` in the directory")
    public_url: HttpUrl | None = Field(
        None, description="the address by which clients reach the server, if a proxy stands before it"
    )
    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on")
    workers: int = Field(1, ge=1, le=64, description="processes to serve with")
    tls_certificate: Path | None = Field(None, description="a certificate chain (PEM), to speak TLS")
    tls_key: Path | None = Field(None, description="the certificate's key (PEM)")
    max_body: Bytes = Field(32 << 20, description="the largest body that is no upload, in bytes")
    max_blob: Bytes = Field(5 << 40, description="the largest blob, in bytes")
    max_pending: Bytes = Field(
        1 << 40, description="what one principal may have uploaded and not published, in bytes"
    )
    rate: float = Field(0, ge=0, description="requests a second and caller, in the long run; 0: no bound")
    burst: int = Field(200, ge=1, description="requests that a caller may make at once, if there is a rate")
    pause: float = Field(30, gt=0, description="seconds that the next part of a body may take")
    scan: bool = Field(default=True, description="look into what is published, and sign what was found")
    oidc_issuer: HttpUrl | None = Field(None, description="who people log in with (OpenID Connect)")
    oidc_client_id: str = Field("", description="what the registry is called there")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="its secret there")
    log_format: Annotated[str, Field(pattern="^(json|text)$")] = Field(
        "json", description="how the server's log is written: json or text"
    )
    metrics_token: SecretStr | None = Field(
        None, description="a token that /metrics asks for; without it, anybody who reaches it may read it"
    )

    @classmethod
    def load(cls, **given: object) -> "ServerSettings":
        """Read the environment; what is `given` and not None goes before it.

        Raises:
            InvalidSetting: one makes no sense.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type] # pydantic checks them
        except ValidationError as error:
            fault = error.errors()[0]
            name = "_".join(str(part) for part in fault["loc"]).upper()
            raise InvalidSetting(name=f"MUNIMENT_{name}", reason=fault["msg"]) from None

    @property
    def address(self) -> str:
        """The address by which clients reach the server."""
        if self.public_url is not None:
            return str(self.public_url).rstrip("/")
        return f"{'https' if self.tls_certificate else 'http'}://{self.host}:{self.port}"

    @property
    def keys_directory(self) -> Path:
        """Where the log's keys are."""
        return self.keys or self.data / "keys"


class S3Credentials(BaseSettings):
    """The credentials of an S3 store, under the names that its own tools use."""

    model_config = SettingsConfigDict(env_prefix="AWS_", frozen=True, extra="ignore")

    endpoint_url: str = ""
    access_key_id: str = ""
    secret_access_key: SecretStr = SecretStr("")
    session_token: SecretStr = SecretStr("")
    region: str = "us-east-1"
