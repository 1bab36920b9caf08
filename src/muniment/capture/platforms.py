"""The machine of a run: Python, system, processor, memory, graphics cards, container."""

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from muniment.capture.secrets import hide_in_url
from muniment.core.canonical import Json, JsonObject

# Variables that change what a training computes or tell where it ran. Others are never read.
VARIABLES: Final = (
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE", "JAX_ENABLE_X64", "JAX_PLATFORMS",
    "LANG", "LC_ALL", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED", "SLURM_JOB_ID", "SOURCE_DATE_EPOCH", "TF_CUDNN_DETERMINISTIC", "TF_DETERMINISTIC_OPS",
    "TOKENIZERS_PARALLELISM", "TZ", "XLA_FLAGS",
)  # fmt: skip


def describe_platform() -> JsonObject:
    """Describe Python and the machine."""
    platform_: dict[str, Json] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 0,
    }
    processor = _find_line(Path("/proc/cpuinfo"), r"model name\s*:\s*(.+)")
    memory = _find_line(Path("/proc/meminfo"), r"MemTotal:\s*(\d+) kB")
    if processor:
        platform_["cpu"] = processor
    if memory:
        platform_["memory_bytes"] = int(memory) * 1024
    return {**platform_, **_describe_graphics(Path("/proc/driver/nvidia"))}


def describe_container(environment: Mapping[str, str], root: Path = Path("/")) -> JsonObject | None:
    """Describe the container of this process; None if there is no sign of one.

    A container cannot see the digest of its own image: podman reports it, otherwise set
    MUNIMENT_CONTAINER_IMAGE.
    """
    podman, docker = root / "run/.containerenv", root / ".dockerenv"
    image = environment.get("MUNIMENT_CONTAINER_IMAGE", "")
    runtime = "podman" if podman.is_file() else "docker" if docker.exists() else ""
    if not image and podman.is_file():
        image = _find_line(podman, r'image="(.+)"')
    if not (image or runtime):
        return None
    name, _, digest = image.partition("@")
    return {
        "runtime": runtime or "unknown",
        **({"image": hide_in_url(name)} if name else {}),
        **({"digest": digest} if digest else {}),
    }


def read_variables(environment: Mapping[str, str], more: tuple[str, ...] = ()) -> dict[str, str]:
    """Read the variables on the list, and those that the user names."""
    return {name: environment[name] for name in (*VARIABLES, *more) if name in environment}


def _describe_graphics(driver: Path) -> JsonObject:
    """Describe NVIDIA cards from /proc, without starting a program."""
    cards = [
        name
        for card in sorted((driver / "gpus").glob("*/information"))
        if (name := _find_line(card, r"Model:\s*(.+)"))
    ]
    version = _find_line(driver / "version", r"Kernel Module\D*([\d.]+)")
    return {**({"gpus": cards} if cards else {}), **({"gpu_driver": version} if version else {})}


def _find_line(path: Path, pattern: str) -> str:
    try:
        match = re.search(pattern, path.read_text(errors="replace"))
    except OSError:
        return ""
    return match.group(1).strip() if match else ""
