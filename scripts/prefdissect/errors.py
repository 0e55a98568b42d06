"""The one exception that a user is meant to read."""

import re

LONGEST = 1500
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class InputError(Exception):
    """Something a user gave is wrong; the message says where, what, and what would be right.

    It is one line of bearable length, whatever was quoted from the input: line breaks and control characters are
    escaped, and a middle that is too long is left out. Jobs print it alone, without a traceback (`prefdissect.job`).
    """

    def __init__(self, problem: str, *, where: str | None = None, fix: str | None = None):
        message = f"{where}: {problem}" if where else problem
        if fix:
            message += f" ({fix})"
        super().__init__(_shortened(_BREAKS.sub(lambda found: _escaped(found[0]), message)))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _shortened(message: str) -> str:
    if len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST * 2 // 3]} ... {message[-LONGEST // 3 :]}"
