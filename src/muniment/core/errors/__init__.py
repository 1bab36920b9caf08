"""Every refusal of the registry: one tree, one root, split by what the caller can do.

    MunimentError
    ├── InvalidRequest   fix the request
    ├── NotFound         ask for something that exists
    ├── Refused          get permission, or meet the rule
    ├── Unavailable      repair what the registry runs on, then retry
    └── Untrusted        stop: what was read differs from what was recorded

An error carries data and a stable `code`; its `sentence` says what went wrong and its `hint` what to do.
`str(error)` is both, in two lines.
"""

from muniment.core.errors.absent import *  # noqa: F403 - one tree in six files
from muniment.core.errors.proposed import *  # noqa: F403 - one tree in six files
from muniment.core.errors.refused import *  # noqa: F403 - one tree in six files
from muniment.core.errors.requests import *  # noqa: F403 - one tree in six files
from muniment.core.errors.tree import MunimentError as MunimentError
from muniment.core.errors.tree import list_errors as list_errors
from muniment.core.errors.tree import sentence_of as sentence_of
from muniment.core.errors.unavailable import *  # noqa: F403 - one tree in six files
from muniment.core.errors.untrusted import *  # noqa: F403 - one tree in six files
