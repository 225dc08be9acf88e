"""The picture of a soak: one small graph for each measure over the orders filled, an SVG written by hand."""

import math
from collections.abc import Sequence

from benchmarks.soak_samples import MEASURES, Measure, Sample, summary, warm

COLUMNS = 3
WIDTH, HEIGHT = 380, 190
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 44, 34
HEAD = 64
POINTS = 240
"""At most so many points a line; of the samples between two only the lowest and the highest would be seen."""

_LEGEND = (
    "Across: orders filled. Grey: warm-up, left out of the slopes. A slope is per 100,000 orders, by least squares."
)
_STYLE = """
    text { font: 11px system-ui, sans-serif; fill: #57606a }
    .title { font-size: 18px; font-weight: 600; fill: #1f2328 }
    .name { font-size: 12px; font-weight: 600; fill: #1f2328 }
    .end { text-anchor: end }
    .middle { text-anchor: middle }
    .grid { stroke: #d8dee4; stroke-width: 1 }
    .axis { stroke: #8c959f; stroke-width: 1 }
    .line { fill: none; stroke: #0969da; stroke-width: 1.4; stroke-linejoin: round }
    .warm { fill: #f6f8fa }
"""


def draw(samples: Sequence[Sample], title: str) -> str:
    """Return the picture of all measures."""
    rows = math.ceil(len(MEASURES) / COLUMNS)
    width, height = COLUMNS * WIDTH, HEAD + rows * HEIGHT
    took = samples[-1]["seconds"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text class="title" x="16" y="30">{title}, in {took / 60:.1f} minutes</text>',
        f'<text x="16" y="50">{_LEGEND}</text>',
    ]
    last = samples[-1]["orders"]
    busy = [*(sample for sample in samples if sample["orders"] < last), samples[-1]]
    for place, measure in enumerate(MEASURES):
        row, column = divmod(place, COLUMNS)
        parts.append(f'<g transform="translate({column * WIDTH},{HEAD + row * HEIGHT})">')
        parts += _graph(busy, measure)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _graph(samples: Sequence[Sample], measure: Measure) -> list[str]:
    said = summary(samples, measure.key)
    right, top = samples[-1]["orders"], _ceiling(said.most)
    inner, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(orders: float) -> float:
        return LEFT + orders / right * inner

    def up(value: float) -> float:
        return TOP + tall - value / top * tall

    unit = f", {measure.unit}" if measure.unit else ""
    begun = across(warm(samples)[0]["orders"])
    points = " ".join(f"{across(s['orders']):.1f},{up(s[measure.key]):.1f}" for s in _thinned(samples, measure.key))
    parts = [
        f'<rect class="warm" x="{LEFT}" y="{TOP}" width="{begun - LEFT:.1f}" height="{tall}"/>',
        f'<text class="name" x="{LEFT}" y="16">{measure.title}{unit}</text>',
        f'<text x="{LEFT}" y="32">most {_short(said.most)}, slope {_signed(said.slope)}</text>',
    ]
    for step in range(3):
        value = top * step / 2
        parts.append(
            f'<line class="{"axis" if step == 0 else "grid"}" x1="{LEFT}" x2="{WIDTH - RIGHT}" '
            f'y1="{up(value):.1f}" y2="{up(value):.1f}"/>'
            f'<text class="end" x="{LEFT - 6}" y="{up(value) + 4:.1f}">{_short(value)}</text>'
        )
        parts.append(
            f'<text class="middle" x="{across(right * step / 2):.1f}" y="{HEIGHT - BOTTOM + 16}">'
            f"{_short(right * step / 2)}</text>"
        )
    parts.append(f'<polyline class="line" points="{points}"/>')
    return parts


def _thinned(samples: Sequence[Sample], key: str) -> list[Sample]:
    """Return few enough samples to draw, with every peak and every dip."""
    size = max(1, math.ceil(2 * len(samples) / POINTS))
    kept: list[Sample] = []
    for first in range(0, len(samples), size):
        group = range(first, min(first + size, len(samples)))
        edges = {min(group, key=lambda at: samples[at][key]), max(group, key=lambda at: samples[at][key])}
        kept += [samples[at] for at in sorted(edges)]
    return kept


def _ceiling(value: float) -> float:
    """Return the next round number above a value, for the end of an axis."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * power >= value)


def _short(value: float) -> str:
    """Return a number as an axis shows it."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'}{_short(abs(value))}"
