"""One place for the look of all figures: fonts, sizes, colours, markers, and a sheet that is filled from the top down.

Figures use matplotlib's object-oriented interface only, so that no picture depends on what was drawn before it or on
a `matplotlibrc` of the machine. Text is always literal: `$`, `_` and `^` in a label are characters, not mathematics.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

import matplotlib
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path

from prefdissect.errors import InputError

FONT = "DejaVu Sans"  # comes with matplotlib, so a figure looks the same everywhere
# Used where installed, and only for characters that the first font lacks.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Yu Gothic",
    "Noto Sans Devanagari",
    "STIXGeneral",
)
TITLE, BODY, SMALL, TINY = 10.0, 8.0, 7.0, 5.5  # points
LINE_SPACING = 1.25
MARGIN = 0.12  # inches, at every edge of a sheet

# Okabe and Ito's colours and Tol's, which people with colour-blindness tell apart; a marker each, for print without
# colour.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9")
PALETTES = {
    "okabe_ito": PALETTE,
    "tol_bright": ("#4477AA", "#EE6677", "#228833", "#AA3377", "#000000", "#66CCEE"),
    "grey": ("#000000", "#7a7a7a", "#444444", "#999999", "#222222", "#5e5e5e"),
}
MARKERS = ("o", "s", "^", "D", "P", "v")
INK, GREY, PALE, BAND = "#1a1a1a", "#6b6b6b", "#d0d0d0", "#f3f3f3"

_RC = {
    "font.size": BODY,
    "text.parse_math": False,
    "text.usetex": False,
    "text.hinting": "none",
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.use_locale": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.4,
    "hatch.color": "#9a9a9a",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "pdf.use14corefonts": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "preference-dissection",
    "savefig.bbox": None,
    "savefig.facecolor": "white",
    "savefig.transparent": False,
}


@contextmanager
def figure_style():
    """Matplotlib's defaults with this project's settings on top, whatever the machine's own settings are."""
    unrelated = ("backend", "interactive", "toolbar", "webagg", "tk.", "macosx", "datapath", "figure.hooks")
    defaults = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(unrelated)}
    with matplotlib.rc_context(defaults | _RC | {"font.family": list(font_families())}):
        yield


@dataclass(frozen=True)
class Look:
    """What a study says about all of its figures: width in inches, font, name of the palette."""

    width: float = 7.0
    font: str = FONT
    palette: str = "okabe_ito"


_USUAL = Look()
_LOOK: ContextVar[Look] = ContextVar("look")


@contextmanager
def use_look(look: Look) -> Iterator[None]:
    """Draw all figures in this block with another font and palette.

    Raises
    ------
    InputError
        When the font is not installed.
    """
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    if look.font not in installed:
        near = difflib.get_close_matches(look.font, installed, n=3) or [FONT]
        raise InputError(
            f"config key `figures.font`: the font `{look.font}` is not installed", fix=f"for instance {', '.join(near)}"
        )
    token = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(token)


def palette() -> tuple[str, ...]:
    """Colours of the look in force, six of them."""
    return PALETTES[_LOOK.get(_USUAL).palette]


def similarity_colours() -> str:
    """A colour map that is perceptually uniform, safe for the colour-blind, and evenly darker in grey too."""
    return "Greys" if _LOOK.get(_USUAL).palette == "grey" else "viridis_r"


def font_families() -> tuple[str, ...]:
    """The fonts that a figure may use: that of the look, the one shipped with matplotlib, and installed fallbacks."""
    return _families(_LOOK.get(_USUAL).font)


@cache
def _families(font: str) -> tuple[str, ...]:
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return tuple(dict.fromkeys([font, FONT, *(name for name in FALLBACK_FONTS if name in installed)]))


@cache
def _drawable(families: tuple[str, ...]) -> frozenset[int]:
    codes = set()
    for family in families:
        codes.update(font_manager.get_font(font_manager.findfont(family)).get_charmap())
    return frozenset(codes)


def printable(text: object) -> str:
    r"""Text that can be drawn as one line: white space becomes a blank, a character that no font has becomes `\uXXXX`.

    A no-break space stays, so that `wrap` keeps what belongs together.
    """
    line = re.sub(r"[^\S\u00a0]+", " ", str(text)).strip()
    drawable = _drawable(font_families())
    return "".join(c if ord(c) in drawable else _escaped(c) for c in line)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of a line of text in inches, at a size in points."""
    return _text_width(text, size, weight, font_families())


@cache
def _text_width(text: str, size: float, weight: str, families: tuple[str, ...]) -> float:
    font = font_manager.FontProperties(family=list(families), size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def line_height(size: float) -> float:
    """Height of a line in inches, at a size in points."""
    return size * LINE_SPACING / 72


def wrap(text: object, size: float, limit: float, weight: str = "normal") -> list[str]:
    """Break text into lines of at most `limit` inches.

    Breaks fall at blanks; a word that is too long alone is broken after `/`, `_`, `-` or, failing that, anywhere.
    Nothing is ever left out.
    """
    lines = [""]
    for piece in _pieces(printable(text), size, limit, weight):
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), size, weight) > limit:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _pieces(text: str, size: float, limit: float, weight: str) -> list[str]:
    pieces = []
    for word in re.findall(r"[^ ]+ ?", text):
        if text_width(word.rstrip(), size, weight) <= limit:
            pieces.append(word)
            continue
        for part in re.findall(r"[^/_-]+[/_-]* ?|[/_-]+ ?", word):
            fits = text_width(part.rstrip(), size, weight) <= limit
            pieces.extend([part] if fits else part)
    return pieces


class Sheet:
    """A figure that is filled from the top down, in inches, so that text never runs into text.

    Blocks are added one below the other; `finish` gives the figure the height that they need together. Use it
    inside `figure_style`.

    Parameters
    ----------
    width
        Width of the figure in inches.
    """

    def __init__(self, width: float):
        self.figure = Figure(figsize=(width, 1.0))
        self.canvas = FigureCanvasAgg(self.figure)
        self.width = width
        self.top = MARGIN  # inches from the upper edge to where the next block begins
        self._place: list[Callable[[float], object]] = []

    @property
    def inner_width(self) -> float:
        """Inches between the two margins."""
        return self.width - 2 * MARGIN

    def advance(self, inches: float) -> None:
        """Leave room below what was added so far."""
        self.top += inches

    def text(self, text: str, size: float = BODY, *, weight: str = "normal", colour: str = INK) -> None:
        """Add a paragraph over the whole width, wrapped."""
        lines = wrap(text, size, self.inner_width, weight)
        self.label(MARGIN, self.top, "\n".join(lines), size, weight=weight, colour=colour)
        self.advance(len(lines) * line_height(size))

    def label(self, left: float, top: float, text: str, size: float, *, weight="normal", colour=INK, **kwargs) -> None:
        """Write text at a place of its own, without moving on."""
        settings = {"va": "top", "linespacing": LINE_SPACING, "transform": self.figure.dpi_scale_trans} | kwargs
        artist = self.figure.text(left, 0, text, size=size, weight=weight, color=colour, **settings)
        self._place.append(lambda height: artist.set_y(height - top))

    def legend(self, handles: Sequence[Artist], labels: Sequence[str]) -> Legend:
        """Add a legend over the whole width, to be read line by line, in as few lines as possible."""
        room = self.inner_width - 0.4  # the handle and its gap
        entries = [(handle, "\n".join(wrap(label, BODY, room))) for handle, label in zip(handles, labels, strict=True)]
        for lines in range(1, len(entries) + 1):
            legend = self._legend(entries, -(-len(entries) // lines))
            extent = legend.get_window_extent(self.canvas.get_renderer())
            if lines == len(entries) or extent.width / self.figure.dpi <= self.inner_width:
                break
            legend.remove()
        top, transform = self.top, self.figure.dpi_scale_trans
        self._place.append(lambda height: legend.set_bbox_to_anchor((MARGIN, height - top), transform=transform))
        self.advance(extent.height / self.figure.dpi)
        return legend

    def _legend(self, entries: list[tuple[Artist, str]], columns: int) -> Legend:
        # matplotlib fills column by column, people read line by line.
        entries = [entry for column in range(columns) for entry in entries[column::columns]]
        # Texts are set afterwards: matplotlib leaves out legend entries that begin with an underscore.
        legend = self.figure.legend(
            [handle for handle, _ in entries],
            [str(number) for number in range(len(entries))],
            ncols=columns,
            loc="upper left",
            alignment="left",
            fontsize=BODY,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            handlelength=1.4,
            columnspacing=1.6,
            labelspacing=0.35,
        )
        for artist, (_, text) in zip(legend.get_texts(), entries, strict=True):
            artist.set(text=text, linespacing=LINE_SPACING)
        return legend

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes at a place of their own (inches from the left and upper edges), without moving on."""
        axes = self.figure.add_axes((0, 0, 1, 1))
        self._place.append(
            lambda total: axes.set_position(
                (left / self.width, 1 - (top + height) / total, width / self.width, height / total)
            )
        )
        return axes

    def finish(self) -> Figure:
        """Give the figure its height, and put everything where it belongs."""
        height = self.top + MARGIN
        self.figure.set_size_inches(self.width, height)
        for place in self._place:
            place(height)
        return self.figure


def nothing_figure(title: str, why: str, width: float) -> Figure:
    """A figure that says why there is nothing to show."""
    with figure_style():
        sheet = Sheet(width)
        sheet.text(title, TITLE, weight="bold")
        sheet.advance(0.03)
        sheet.text(why, BODY, colour=GREY)
        return sheet.finish()
