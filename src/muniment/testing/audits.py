"""An audit that has to pass."""

from muniment.client.sdk.registry import Registry


def check_audit(registry: Registry, namespace: str | None = None) -> int:
    """Audit a registry, or a namespace; return the size of its log."""
    audit = registry.audit(namespace)
    assert audit.fault is None, audit.fault
    assert audit.passed
    return audit.size
