"""What a caller should know although it is allowed."""


class UnguardedAlias(UserWarning):
    """An alias was moved that no policy guards: nobody had to check or approve the version."""


class UnclearTask(UserWarning):
    """Predictions were taken for classes that may be amounts, or the other way round."""


class UncountedApproval(UserWarning):
    """An approval was recorded that does not count under the policies in force."""
