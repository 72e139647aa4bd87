"""
From a matplotlib figure to inline SVG: one palette for light, dark and print, a text alternative,
and the same bytes for the same data.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from pytest_ernie.report.text import line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1b1f24"
QUIET = "#59636e"
GRID = "#d8dce2"
CANDIDATE = "#0072b2"
REFERENCE = "#d55e01"
WINDOW = "#eef1f5"
BAND = "#dcefe6"
LIMIT = "#00785a"
OUTLIER = "#b3005e"
PAPER = "#fefefe"

_VARIABLES = {
    INK: "--ernie-ink",
    QUIET: "--ernie-quiet",
    GRID: "--ernie-line",
    CANDIDATE: "--ernie-candidate",
    REFERENCE: "--ernie-reference",
    WINDOW: "--ernie-window",
    BAND: "--ernie-band",
    LIMIT: "--ernie-limit",
    OUTLIER: "--ernie-outlier",
    PAPER: "--ernie-paper",
}
"""What a figure is drawn in, and the style sheet's variable that stands for it in a page."""

_FONT = "DejaVu Sans"
"""Text is measured in this font, which matplotlib brings along; the page shows a narrower one."""

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "pytest-ernie",
    "svg.fonttype": "none",
    "font.family": _FONT,
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "text.parse_math": False,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 2.4,
    "lines.linewidth": 1.2,
}

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_REFERRED = re.compile(r"#([\w-]+)")


def draw(
    paint: Callable[[Figure], None], *, size_in: tuple[float, float], title: str, description: str
) -> str:
    """
    Return what ``paint`` draws as an SVG element of ``size_in`` inches that scales with its place.

    ``title`` and ``description`` are its text alternative. No state of pyplot is touched.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    out = io.BytesIO()
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # A browser has the glyphs that the measuring font lacks (Chinese names of data sets).
        warnings.simplefilter("ignore")
        figure = Figure(figsize=size_in, layout="constrained")
        paint(figure)
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline(out.getvalue(), line(title), line(description))


def _inline(raw: bytes, title: str, description: str) -> str:
    """Make matplotlib's document an element that shares a page with others of its kind."""
    root = ElementTree.fromstring(raw)  # noqa: S314 (matplotlib wrote it a moment ago)
    key = "p" + hashlib.sha256(raw + title.encode()).hexdigest()[:10]
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    referred = {name for value in _references(root) for name in _REFERRED.findall(value)}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _adapt(element, key, referred)
    box = root.get("viewBox", "0 0 1 1")
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": box,
            "role": "img",
            "aria-labelledby": f"{key}-title {key}-desc",
            "style": "stroke-linejoin:round;stroke-linecap:butt",
        }
    )
    for place, (name, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(name, {"id": f"{key}-{name}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _references(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == _HREF or "url(#" in value:
                yield value


def _adapt(element: ElementTree.Element, key: str, referred: set[str]) -> None:
    """Ids only where something refers to them, and unique in a page; colours as variables."""
    if "id" in element.attrib and element.attrib["id"] not in referred:
        del element.attrib["id"]
    for name, value in list(element.attrib.items()):
        if name == "id":
            element.attrib[name] = f"{key}-{value}"
        elif name == _HREF:
            del element.attrib[name]
            element.attrib["href"] = value.replace("#", f"#{key}-", 1)
        elif "url(#" in value:
            element.attrib[name] = value.replace("url(#", f"url(#{key}-")
        elif name == "style":
            element.attrib[name] = _themed(value)


def _themed(style: str) -> str:
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, f"var({variable},{colour})")
    return style.replace(f"'{_FONT}'", "var(--ernie-font,sans-serif)")
