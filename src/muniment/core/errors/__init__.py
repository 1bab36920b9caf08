"""Every refusal of the registry: one tree, one root, split by what the caller can do.

    MunimentError
    ├── InvalidRequest   fix the request
    ├── NotFound         ask for something that exists
    ├── Refused          get permission, or meet the rule
    ├── Unavailable      repair what the registry runs on, then retry
    └── Untrusted        stop: what was read differs from what was recorded

An error carries data and a stable `code`; `str(error)` is one line and `hint` says what to do.
"""

from muniment.core.errors.absent import *  # noqa: F403 - one tree in five files
from muniment.core.errors.refused import *  # noqa: F403 - one tree in five files
from muniment.core.errors.requests import *  # noqa: F403 - one tree in five files
from muniment.core.errors.tree import MunimentError as MunimentError
from muniment.core.errors.tree import list_errors as list_errors
from muniment.core.errors.unavailable import *  # noqa: F403 - one tree in five files
from muniment.core.errors.untrusted import *  # noqa: F403 - one tree in five files
