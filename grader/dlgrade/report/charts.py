"""Pictures as inline SVG, each with its text alternative. What a colour says, a sign or a length says too."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence

from dlgrade.model import Plane
from dlgrade.report.page import element
from dlgrade.report.words import WORDS

DRAWN_FROM = 4
"""Fewer elements are read faster than looked at."""
WIDTH = 320
"""Of a chart, in the pixels of a phone; none is drawn larger than it is."""
LEVELS = 5
_GUTTER = 26
_CELL = (18, 30)


# -- where a result is wrong -------------------------------------------------------------------------------------------


def plane_charts(plane: Plane) -> Iterator[ET.Element]:
    """The pictures that help where a result is wrong: where it is, and how a gradient lies to the right one."""
    if sum(map(len, plane.got)) < DRAWN_FROM:
        return
    charts = [_heat_map(plane)]
    if plane.compared != "values":
        charts += _scatter(plane)
    yield element("div", *charts, class_="charts")


def signs(plane: Plane) -> list[list[str]]:
    """For each element + where it is too large, − where it is too small, × where it is not finite, · where it is
    right."""
    return [[_sign(off) for off in row] for row in plane.off]


def plane_title(plane: Plane) -> str:
    """What a picture of where a result is wrong is called."""
    return WORDS[f"where {plane.compared}"]


def plane_caption(plane: Plane) -> str:
    """What a picture of where a result is wrong shows, in words."""
    flat = [off for row in plane.off for off in row]
    sides = (len(plane.off), len(plane.off[0]))[-len(plane.shape) :]
    whole = tuple(plane.shape[-2:]) == tuple(sides)
    wrong = sum(off is None or off != 0 for off in flat)
    told = [
        WORDS["where count" if whole else "where window"].format(wrong=wrong, count=len(flat)),
        WORDS["where shape"].format(shape=_shape(plane.shape)),
    ]
    if len(plane.shape) > 2:
        leading = ", ".join([*map(str, plane.start[:-2]), ":", ":"])
        whole_of = WORDS["where sliced"].format(shape=_shape(plane.shape))
        told[-1:] = [WORDS["where slice"].format(slice=f"[{leading}]"), whole_of]
    parts = [" ".join(told)]
    most = max((abs(off) for off in flat if off is not None), default=0.0)
    if most:
        parts += [WORDS["where off"].format(most=f"{most:.3g}"), WORDS["where signs"]]
    if 0 in flat:
        parts.append(WORDS["where right"])
    if None in flat:
        parts.append(WORDS["where not finite"])
    return WORDS["where drawn"].format(told="; ".join(parts))


def _shape(shape: Sequence[int]) -> str:
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def _sign(off: float | None) -> str:
    if off is None:
        return "×"
    return "·" if off == 0 else "+" if off > 0 else "−"


def _heat_map(plane: Plane) -> ET.Element:
    rows, columns = len(plane.off), len(plane.off[0])
    size = max(_CELL[0], min(_CELL[1], (WIDTH - _GUTTER) // columns))
    most = max((abs(off) for row in plane.off for off in row if off is not None), default=0.0)
    down, right = (0, plane.start[-1]) if len(plane.shape) == 1 else plane.start[-2:]
    parts = []
    for row, cells in enumerate(plane.off):
        for column, off in enumerate(cells):
            level = _level(off, most)
            x, y = _GUTTER + column * size, _GUTTER + row * size
            box = {"x": str(x), "y": str(y), "width": str(size - 1), "height": str(size - 1)}
            parts.append(element("rect", class_=f"heat-{level}", **box))
            ink = "ink-strong" if level > 3 else "ink"
            parts.append(_label(_sign(off), x + (size - 1) / 2, y + (size - 1) / 2, class_=ink))
    parts += [_label(str(right + at), _GUTTER + at * size + size / 2, 13) for at in range(columns)]
    if len(plane.shape) > 1:
        parts += [_label(str(down + at), 12, _GUTTER + at * size + size / 2) for at in range(rows)]
    return _figure(
        plane_title(plane), plane_caption(plane), _GUTTER + columns * size, _GUTTER + rows * size, *parts, class_="heat"
    )


def _level(off: float | None, most: float) -> int:
    if off is None:
        return LEVELS
    # What is wrong at all can be seen, however little of the whole it is.
    return 0 if off == 0 else max(1, min(LEVELS, math.ceil(LEVELS * (abs(off) / most))))


def _scatter(plane: Plane) -> list[ET.Element]:
    pairs = [
        (got - off, got, off != 0)
        for row, offs in zip(plane.got, plane.off, strict=True)
        for got, off in zip(row, offs, strict=True)
        if got is not None and off is not None
    ]
    values = [value for want, got, _ in pairs for value in (want, got)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not low < high or not math.isfinite(high - low):
        return []
    side, left, bottom, pad = 240.0, 52.0, 244.0, 8.0

    def at(value: float) -> float:
        return pad + (value - low) / (high - low) * (side - 2 * pad)

    frame = {"x": f"{left:.0f}", "y": f"{bottom - side:.0f}", "width": f"{side:.0f}", "height": f"{side:.0f}"}
    parts = [element("rect", class_="frame", **frame)]
    if low < 0 < high:
        parts += [_line(left, bottom - at(0), left + side, bottom - at(0), class_="zero")]
        parts += [_line(left + at(0), bottom - side, left + at(0), bottom, class_="zero")]
    parts.append(_line(left + at(low), bottom - at(low), left + at(high), bottom - at(high), class_="same"))
    for want, got, wrong in sorted(pairs, key=lambda pair: pair[2]):
        x, y = left + at(want), bottom - at(got)
        if wrong:
            path = f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7"
            parts.append(element("path", class_="wrong", d=path))
        else:
            parts.append(element("circle", class_="right", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.5"))
    for value in (low, high):
        parts.append(_label(f"{value:.3g}", left + at(value), bottom + 12, anchor="start" if value == low else "end"))
        parts.append(_label(f"{value:.3g}", left - 5, bottom - at(value), anchor="end"))
    parts.append(_label(WORDS[f"across {plane.compared}"], left + side / 2, bottom + 28))
    parts.append(_label(WORDS[f"up {plane.compared}"], left - 5, bottom - side / 2, anchor="end"))
    name = WORDS[f"against {plane.compared}"]
    return [_figure(name, WORDS["against told"], left + side + 4, bottom + 40, *parts, class_="scatter")]


# -- a class -----------------------------------------------------------------------------------------------------------


def histogram(
    title: str, bins: Sequence[tuple[str, int]], caption: str, *, under: Sequence[str], edges: bool
) -> ET.Element:
    """A bar for each bin, its count on top.

    Args:
        title: what is counted.
        bins: of each what it is called in words, and its count.
        caption: what else is to be known.
        under: what stands under the bins.
        edges: whether it stands between them, one more than there are.
    """
    height, floor, left = 120.0, 144.0, 12.0
    most = max((count for _, count in bins), default=0) or 1
    step = (WIDTH - 2 * left) / max(1, len(bins))
    parts = [_line(left, floor + 0.5, WIDTH - left, floor + 0.5, class_="axis")]
    for place, (_, count) in enumerate(bins):
        x, tall = left + place * step, count / most * height
        if count:
            box = {"x": f"{x + 1:.1f}", "y": f"{floor - tall:.1f}", "width": f"{step - 2:.1f}", "height": f"{tall:.1f}"}
            parts.append(element("rect", class_="column", **box))
            parts.append(_label(str(count), x + step / 2, floor - tall - 9))
    for place, label in enumerate(under):
        parts.append(_label(label, left + place * step + (0 if edges else step / 2), floor + 13))
    told = ", ".join(f"{name}: {count}" for name, count in bins if count)
    return _figure(title, caption, WIDTH, floor + 26, *parts, class_="histogram", told=told)


def share_bar(share: float) -> ET.Element:
    """A bar as long as a share; the number stands beside it."""
    parts = [_box("rail", 0, 100), _box("column", 0, 100 * max(0.0, min(share, 1.0)))]
    return _drawing(100, 12, *parts, class_="bar-in-cell")


def signed_bar(value: float) -> ET.Element:
    """A bar from the middle, to the right for what is more than 0, to the left for what is less."""
    middle, reach = 50.0, 50 * max(-1.0, min(value, 1.0))
    parts = [_box("rail", 0, 100)]
    parts.append(_box("column" if reach >= 0 else "column below", middle + min(0.0, reach), abs(reach)))
    parts.append(_line(middle, 0, middle, 12, class_="axis"))
    return _drawing(100, 12, *parts, class_="bar-in-cell")


def _box(class_: str, x: float, width: float) -> ET.Element:
    return element("rect", class_=class_, x=f"{x:.1f}", y="1", width=f"{width:.1f}", height="10")


# -- what pictures are made of -----------------------------------------------------------------------------------------


def _figure(
    title: str, caption: str, width: float, height: float, *parts: ET.Element, class_: str, told: str = ""
) -> ET.Element:
    drawing = _drawing(width, height, *parts, class_=class_, label=told or caption)
    head = element("div", title, class_="label")
    return element("figure", head, drawing, element("figcaption", caption, class_="quiet"), class_="chart")


def _drawing(width: float, height: float, *parts: ET.Element, class_: str, label: str = "") -> ET.Element:
    """Parts as a picture; without a label it adds nothing to the text beside it, and is not read out."""
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}", "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    read = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    return element("svg", *parts, class_=class_, **size, **read)


def _label(text: str, x: float, y: float, *, class_: str | None = None, anchor: str = "middle") -> ET.Element:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "dominant-baseline": "central"}
    return element("text", text, class_=class_, **place)


def _line(x1: float, y1: float, x2: float, y2: float, *, class_: str) -> ET.Element:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    return element("line", class_=class_, **ends)
