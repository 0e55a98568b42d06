"""The one exception that a user is meant to read."""


class InputError(Exception):
    """Something a user gave is wrong; the message says where, what, and what would be right.

    Jobs print the message alone, without a traceback (see `prefdissect.job`).
    """

    def __init__(self, problem: str, *, where: str | None = None, fix: str | None = None):
        message = f"{where}: {problem}" if where else problem
        if fix:
            message += f" ({fix})"
        super().__init__(message)
