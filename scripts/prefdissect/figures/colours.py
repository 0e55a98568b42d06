"""Colours of similarities: their range, their bar, and ink that can be read on them."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import Normalize, to_rgb

from prefdissect.figures.style import BODY, MARGIN, SMALL, Sheet, line_height, similarity_colours


def lowest(values: np.ndarray) -> tuple[float, float]:
    """Lower end of the colours, below the least value so that the range in use fills the scale, and a step of ticks."""
    least = float(np.nanmin(values)) + 1e-9
    if least < -0.6:
        return -1.0, 0.5
    step = 0.2 if least < 0.2 else 0.1
    low = float(np.floor(least / step) * step)
    return (low, step) if low < 0.85 else (0.9, 0.05)


def colour_bar(sheet: Sheet, norm: Normalize, step: float, title: str) -> None:
    """Add the bar that says which colour is which similarity."""
    sheet.text(title, BODY)
    sheet.advance(0.03)
    length = min(2.6, sheet.inner_width - 0.16)
    axes = sheet.axes(MARGIN + 0.08, sheet.top, length, 0.11)
    shades = np.linspace(norm.vmin, norm.vmax, 129)
    axes.pcolormesh(shades, [0, 1], [(shades[:-1] + shades[1:]) / 2], norm=norm, cmap=similarity_colours())
    ticks = np.arange(norm.vmin, norm.vmax + 1e-9, step)
    axes.set_xticks(ticks, [f"{tick + 0.0:g}".replace("-", "−") for tick in ticks.round(3)], size=SMALL)
    axes.set_yticks([])
    axes.tick_params(length=2, width=0.6, pad=1.5)
    sheet.advance(0.11 + 0.07 + line_height(SMALL) + 0.06)


def shade(share: float) -> tuple[float, ...]:
    """Colour of a similarity, from 0 (the lowest shown) to 1."""
    return matplotlib.colormaps[similarity_colours()](float(share))


def ink_on(background) -> str:
    """Black or white, whichever stands out more from an RGB colour (WCAG 2 relative luminance)."""
    rgb = np.asarray(to_rgb(background))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else "white"
