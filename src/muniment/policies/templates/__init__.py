"""Ready-made policies, each with fixtures that pass and fail."""

from importlib import resources
from typing import Final

_TEMPLATES: Final = ("minimal", "team", "regulated-eu-ai-act", "us-mrm-sr26-2", "medical-pccp")


def list_templates() -> tuple[str, ...]:
    """List the names of the templates."""
    return _TEMPLATES


def read_template(name: str) -> dict[str, str]:
    """Read the files of a template, by file name."""
    here = resources.files(__name__)
    return {
        f"{name}{suffix}": (here / f"{name}{suffix}").read_text("utf-8")
        for suffix in (".yaml", ".fixtures.yaml")
    }
