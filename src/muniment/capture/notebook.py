"""The executed cells of a notebook, which no commit has."""

import sys
from typing import Any


def read_cells() -> str:
    """Return the cells that IPython has executed, in order; empty outside IPython."""
    module = sys.modules.get("IPython")
    shell: Any = module.get_ipython() if module is not None else None
    if shell is None:
        return ""
    cells = [str(cell) for cell in shell.user_ns.get("In", []) if cell]
    return "".join(f"# In [{number}]\n{cell.rstrip()}\n\n" for number, cell in enumerate(cells, 1))
