"""Open the object store of the settings, with direct transfers by clients where possible."""

from muniment.capture.clock import now
from muniment.server.parts import ByteStores
from muniment.server.settings import S3Credentials, ServerSettings
from muniment.stores.blobs.landing import S3LandingArea
from muniment.stores.blobs.objects import ObjectBlobs, ObjectStaging, open_store
from muniment.stores.blobs.signing import S3Account, S3Direct


def open_objects(location: str, settings: ServerSettings) -> ByteStores:
    """Open a store by its URL.

    Raises:
        InvalidSetting: the URL names no store.
    """
    store = open_store(location)
    blobs, staging = ObjectBlobs(store, location), ObjectStaging(store, location)
    account = _find_account(location) if settings.direct else None
    if account is None:
        return ByteStores(blobs=blobs, staging=staging)
    landing = S3LandingArea(account, store, location)
    return ByteStores(
        blobs=blobs, staging=staging, landing=landing, direct=S3Direct(account, settings.direct_put)
    )


def _find_account(location: str) -> S3Account | None:
    """Find the account that presigns for clients; only credentials in the settings can."""
    credentials = S3Credentials()
    if not location.startswith("s3://") or not credentials.access_key_id:
        return None
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    endpoint = credentials.endpoint_url or f"https://s3.{credentials.region}.amazonaws.com"
    return S3Account(
        base=f"{endpoint.rstrip('/')}/{bucket}/{prefix}".rstrip("/"),
        key=credentials.access_key_id,
        secret=credentials.secret_access_key.get_secret_value(),
        region=credentials.region,
        token=credentials.session_token.get_secret_value(),
        clock=now,
    )
