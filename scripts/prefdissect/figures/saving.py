"""Writing a figure to files: the same figure gives the same bytes, on every day and in every process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fontTools import subset
from matplotlib.figure import Figure

from prefdissect.figures.style import figure_style
from prefdissect.files import atomic_write

# A time stamp would differ from run to run, a program's version from one installation to the next.
_NO_STAMPS = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


# Tables for ligatures and kerning: matplotlib has placed every glyph already, so no viewer of a PDF reads them.
_LAYOUT_TABLES = ["GDEF", "GPOS", "GSUB"]


@contextmanager
def _small_fonts() -> Iterator[None]:
    """Embed fonts without their layout tables, which take most of the time of writing a PDF.

    fontTools offers the list of tables to drop for a single call only, and matplotlib makes that call. A version of it
    without this default works too, and takes longer.
    """
    usual = getattr(subset.Options, "_drop_tables_default", None)
    if usual is None:
        yield
        return
    subset.Options._drop_tables_default = [*usual, *_LAYOUT_TABLES]
    try:
        yield
    finally:
        subset.Options._drop_tables_default = usual


def save_figure(figure: Figure, pdf_path: str | Path, png_path: str | Path, *, dpi: int = 200) -> None:
    """Write a figure as PDF (fonts embedded as TrueType) and as PNG, then clear it.

    Each file appears complete or not at all. The same figure gives byte-identical files.

    Parameters
    ----------
    figure
        Figure to write; it is empty afterwards, its memory released.
    pdf_path, png_path
        Files to write; missing folders are made.
    dpi
        Resolution of the PNG, pixels per inch.
    """
    with figure_style(), _small_fonts():
        for path, kind in ((pdf_path, "pdf"), (png_path, "png")):
            atomic_write(
                path,
                lambda handle, kind=kind: figure.savefig(handle, format=kind, dpi=dpi, metadata=_NO_STAMPS[kind]),
            )
    figure.clear()
