"""The pictures of docs/figures.md, from the bundled study and from the published coefficients."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from prefdissect.errors import InputError
from prefdissect.files import atomic_write

# Pictures that quote prompts or responses come from the bundled sample alone.
IMAGES = {
    "degree": "published/figures/degree/Communication.png",
    "top_properties": "published/figures/top_properties/human.png",
    "difference": "published/figures/differences/human--gpt-4-1106-preview.png",
    "similarity": "published/figures/similarity.png",
    "attribute_similarity": "published/figures/attribute_similarity.png",
    "aligned_similarity": "published/figures/aligned_similarity.png",
    "aligned_shifts": "published/figures/aligned_shifts.png",
    "group_similarity": "published/figures/group_similarity.png",
    "datasheet": "demo/figures/datasheet/pooled.png",
    "fit_quality": "demo/figures/fit_quality/pooled.png",
    "properties": "demo/figures/properties/pooled.png",
    "reliability": "demo/figures/reliability.png",
    "manipulation": "gaming_demo/figures/manipulation/known.png",
    "contributions": "demo/figures/contributions/q21-r4-r3.png",
}
_COLOURS = 255  # a picture of text and flat colours looks the same with these, at half the size


def image_file(kind: str) -> str:
    """Name of the picture of a kind of figure."""
    return f"figure_{kind}.png"


def write_images(results: Path, target: Path) -> None:
    """Copy the pictures of finished studies, with fewer colours.

    Raises
    ------
    InputError
        When a study was not run.
    """
    for kind, file in IMAGES.items():
        source = results / file
        if not source.is_file():
            raise InputError("the picture is missing", where=str(source), fix="run the study: see docs/figures.md")
        image = Image.open(source).convert("RGB").quantize(_COLOURS, Image.Quantize.MAXCOVERAGE)
        atomic_write(target / image_file(kind), lambda handle, image=image: image.save(handle, "png", optimize=True))
