"""`make readme`: write the figures of the README from the bench table, and its excerpt from a demo run.

    python docs/make_readme.py

The bench table is that of `docs/reference/performance.md`. `tests/test_prose.py` checks that the README
agrees with both.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
PERFORMANCE: Final = ROOT / "docs/reference/performance.md"

# A chapter of the demo begins so.
_CHAPTER: Final = re.compile(r"[0-9]+\. ")
# What the README calls a row of the bench table, and how that row begins.
FIGURES: Final = {
    "push 1 GiB to a directory, of the limit (read, hash, write, fsync)": "push 1 GiB of random bytes, of",
    "push 1 GiB over loopback HTTP, of the limit": "push 1 GiB over loopback HTTP",
    "pull and verify 1 GiB over loopback HTTP, of the limit": "pull and verify 1 GiB over loopback HTTP",
    "versions published a second over HTTP, times MLflow's": "versions published a second, 8 threads, after",
    "alias resolution, times MLflow's speed": "alias resolution p50",
    "a page of 100 of 50,000 versions, times MLflow's speed": "a page of 100 of 50,000 versions, newest",
    "idle memory, times smaller than MLflow's": "idle memory",
    "cold start, times MLflow's speed": "cold start",
    "a gate over 50 rules and 1,001 claims": "a gate over 50 rules and 1,001 claims, 25 datasets, judged",
}
# The commands of the demo that the README shows, with the most lines of what each prints.
SHOWN: Final = {
    "$ muniment check demo/tumour@1 production": 18,
    "$ muniment promote demo/tumour@1 production": 4,
    "$ muniment verify demo/tumour@production": 4,
    "$ muniment history demo/tumour@production": 6,
}


def write_figures(performance: str) -> str:
    """Write the table of figures. Raises StopIteration: the bench table has no such row."""
    rows = [line.strip("| ").split(" | ") for line in performance.splitlines() if line.startswith("| ")]
    lines = ["| what | measured |", "| --- | --- |"]
    for label, beginning in FIGURES.items():
        row = next(row for row in rows if row[0].startswith(beginning))
        lines.append(f"| {label} | {row[1]} |")
    return "\n".join(lines)


def write_excerpt(demo: str) -> str:
    """Write the excerpt of the demo's output, digests shortened."""
    lines = re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}", r"\1…", demo).splitlines()
    blocks = ["\n".join(_cut(lines, command, most)) for command, most in SHOWN.items()]
    return "\n".join(["```", "\n  ...\n".join(blocks), "```"])


def fill(text: str, name: str, content: str) -> str:
    """Put content between the marks of a part."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{content}\n{end}{rest.partition(end)[2]}"


def read_part(text: str, name: str) -> str:
    """Read what stands between the marks of a part."""
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"\n<!-- end of {name} -->")[0]


def main() -> None:
    """Write the README."""
    command = [sys.executable, "-m", "muniment", "demo"]
    demo = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    text = fill(README.read_text(), "demo", write_excerpt(demo))
    README.write_text(fill(text, "figures", write_figures(PERFORMANCE.read_text())))


def _cut(lines: list[str], command: str, most: int) -> Iterator[str]:
    """Give a command and the first lines that it prints, without what checks it."""
    start = next(i for i, line in enumerate(lines) if line.startswith(command))
    yield lines[start]
    for line in lines[start + 1 : start + 1 + most]:
        if line.startswith("$") or _CHAPTER.match(line):
            return
        if line and not line.startswith("  ✓"):
            yield line[:150].rstrip()


if __name__ == "__main__":
    main()
