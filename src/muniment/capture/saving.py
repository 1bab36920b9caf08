"""Save a model in a format that can be loaded without running code, by what the model is."""

from collections.abc import Mapping
from pathlib import Path

from muniment.core.errors import UnknownFormat
from muniment.core.extras import load_extra

SKOPS_FILE = "model.skops"
SAFETENSORS_FILE = "model.safetensors"


def save_model(model: object, directory: Path) -> Path:
    """Write a model into a directory: scikit-learn estimators as skops, named arrays as safetensors.

    Raises:
        UnknownFormat: no safe format is known for it.
        MissingExtra: its format needs a package that is not installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(model, Mapping):
        path = directory / SAFETENSORS_FILE
        load_extra("safetensors.numpy", "numpy").save_file(dict(model), str(path))
        return path
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        path = directory / SKOPS_FILE
        load_extra("skops.io", "skops").dump(model, path)
        return path
    raise UnknownFormat(reference=type(model).__name__)
