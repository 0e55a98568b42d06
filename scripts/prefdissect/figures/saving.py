"""Writing a figure to files: the same figure gives the same bytes, on every day and in every process."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from prefdissect.figures.style import figure_style
from prefdissect.files import atomic_write

# A time stamp would differ from run to run, a program's version from one installation to the next.
_NO_STAMPS = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


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
    with figure_style():
        for path, kind in ((pdf_path, "pdf"), (png_path, "png")):
            atomic_write(
                path,
                lambda handle, kind=kind: figure.savefig(handle, format=kind, dpi=dpi, metadata=_NO_STAMPS[kind]),
            )
    figure.clear()
