"""Reading YAML that a user wrote: every fault is one message with file and line. Needs only yaml."""

from __future__ import annotations

from pathlib import Path

import yaml

from prefdissect.errors import InputError

MERGE = "tag:yaml.org,2002:merge"


class UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A loader that refuses a key given twice, of which YAML would silently keep the last."""


def _mapping(loader, node):
    keys = []
    for key_node, _ in node.value:
        if key_node.tag == MERGE:  # `<<: *anchor`; its keys may be overridden
            continue
        key = loader.construct_object(key_node, deep=True)
        if key in keys:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` occurs twice", key_node.start_mark)
        keys.append(key)
    return loader.construct_mapping(node, deep=True)


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: str | Path, what: str) -> dict:
    """Read a YAML file that holds one mapping.

    Parameters
    ----------
    path
        The file.
    what
        What it is, for messages ("config").

    Raises
    ------
    InputError
        When the file is missing, no file, not UTF-8, not YAML, no mapping, or gives a key twice.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"the {what} file does not exist", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the {what} file cannot be read: {error.strerror}", where=str(path)) from None
    text = decode_utf8(content, path)
    try:
        found = yaml.load(text, Loader=UniqueKeys)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}: line {mark.line + 1}" if mark else str(path)
        column = f" at column {mark.column + 1}" if mark else ""
        raise InputError(f"not valid YAML: {error.problem or error.context}{column}", where=where) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a control character, a date such as 2024-13-45
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", where=str(path)) from None
    if not isinstance(found, dict):
        raise InputError(f"the {what} must be a mapping of keys", where=str(path), fix="lines of the form `key: value`")
    return found


def decode_utf8(content: bytes, path: str | Path) -> str:
    """Text of a UTF-8 file without its byte-order mark; the first byte that is not UTF-8 is an error."""
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        raise InputError(f"{byte} is not UTF-8", where=f"{path}: line {line}", fix="save the file as UTF-8") from None
