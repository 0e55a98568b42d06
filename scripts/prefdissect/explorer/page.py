"""The page: its parts, the libraries shipped with it and the chunks of data, in one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import jinja2
from markupsafe import Markup

from prefdissect.errors import InputError
from prefdissect.explorer.parts import page_files


def render_page(folder: str | Path, title: str, chunks: Iterable[tuple[str, bytes]]) -> str:
    """The page with its data.

    Parameters
    ----------
    folder
        `workflow/explorer`.
    title
        Title of the study, any text.
    chunks
        Names and contents, from `prefdissect.explorer.container.pack`.

    Returns
    -------
    str
        HTML whose content security policy lets nothing run but the scripts of `folder`, and nothing be fetched.

    Raises
    ------
    InputError
        When a script could not be embedded as it is.
    """
    template, style, *scripts = (_read(Path(path)) for path in page_files(folder))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(template).render(
        title=title,
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        hashes=Markup(" ".join(f"'{_source_hash(script)}'" for script in scripts)),
        chunks=[(name, Markup(base64.b64encode(chunk).decode())) for name, chunk in chunks],
    )


def _read(path: Path) -> str:
    """A part of the page; what the parser of HTML would read otherwise than it stands there is refused."""
    text = path.read_bytes().decode("utf-8")
    for forbidden in ("</script", "<!--", "\r", "\0") if path.suffix == ".js" else ():
        if forbidden in text.lower():
            raise InputError(f"holds {forbidden!r}, which ends or changes a script inside HTML", where=str(path))
    return text


def _source_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
