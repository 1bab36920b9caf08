"""What a caller should know although it is allowed."""


class UnguardedAlias(UserWarning):
    """An alias was moved that no policy guards: nobody had to check or approve the version."""


class UncountedApproval(UserWarning):
    """An approval was recorded that does not count under the policies in force."""
