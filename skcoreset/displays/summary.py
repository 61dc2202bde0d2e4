"""What a notebook shows of a fitted compressor: HTML without outside resources."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from html import escape
from math import log10

import numpy as np
from scipy.sparse import csr_array

from .base import statistic_label
from .palette import BLUE, GREY, ORANGE

# Size of the drawing of the path, in pixels.
WIDTH, HEIGHT, MARGIN = 300, 120, 10


def html_summary(density, original, compressed, certificate, path=None):
    """Show the certificate, the density of each layer and the path with its choice.

    Parameters
    ----------
    density : float
        Share of the edges that were kept.

    original, compressed : list of arrays of shape (n_in, n_out)
        Weight matrices before and after, dense or sparse.

    certificate : Certificate

    path : dict of ndarrays, default=None
        Draw this path. By default there is no drawing.

    Returns
    -------
    html : str
    """
    drawing = "" if path is None else _path(path, certificate)
    return (
        '<div style="max-width:52em;margin:.6em 0;break-inside:avoid">'
        f"<p><b>{density:.2%} of the edges.</b> {escape(certificate.promise)} "
        f"{escape(certificate.check)}</p>"
        f'<p style="font-size:smaller">{escape(certificate.fine_print)}</p>'
        '<div style="display:flex;flex-wrap:wrap;gap:1em 2em;align-items:flex-start">'
        f"{_layers(original, compressed)}{drawing}</div></div>"
    )


def _layers(original, compressed):
    """Return a table with a bar for each layer."""
    rows = []
    for before, after in zip(original, compressed):
        n_before, n_after = (
            csr_array(coef).count_nonzero() for coef in (before, after)
        )
        n_in, n_out = after.shape
        share = n_after / max(n_before, 1)
        rows.append(
            f"<tr>{_cell(f'{n_in:,} &rarr; {n_out:,}')}"
            f"{_cell(f'{n_after:,} of {n_before:,}', 'right')}{_cell(_bar(share))}"
            f"{_cell(f'{share:.1%}', 'right')}</tr>"
        )
    head = "".join(
        _cell(f"<b>{name}</b>", align)
        for name, align in (("layer", "left"), ("edges", "right"), ("kept", "left"))
    )
    return (
        '<table style="border-collapse:collapse;width:auto;margin:0;font-size:inherit">'
        f"<thead><tr>{head}{_cell('')}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _cell(content, align="left"):
    style = f"text-align:{align};padding:.15em .6em .15em 0;background:none;border:0"
    return f'<td style="{style}">{content}</td>'


def _bar(share):
    width = 100 * min(share, 1)
    return (
        '<svg width="100" height="12" role="img" aria-label="share kept">'
        f'<rect width="100" height="12" rx="2" fill="{GREY}" fill-opacity=".25"/>'
        f'<rect width="{width:.4g}" height="12" rx="2" fill="{BLUE}"/></svg>'
    )


def _path(path, certificate):
    """Draw the number that decides against the density; the choice is orange."""
    statistic, density = path["statistic"], path["density"]
    if not np.isfinite(statistic).all():
        # the theorem compares nothing
        return ""
    highest = 1.1 * max(statistic.max(), certificate.limit)
    # the axis begins at a tenth of the edges, or below
    lowest = min(log10(max(density.min(), 1e-12)), -1)

    def x(density):
        place = 1 - log10(max(density, 1e-12)) / lowest
        return f"{MARGIN + place * (WIDTH - 2 * MARGIN):.4g}"

    def y(statistic):
        return f"{HEIGHT - MARGIN - statistic / highest * (HEIGHT - 2 * MARGIN):.4g}"

    points = sorted(zip(density.tolist(), statistic.tolist()))
    line = " ".join(f"{x(d)},{y(s)}" for d, s in points)
    chosen = int(np.flatnonzero(path["chosen"])[0])
    limit, bottom = y(certificate.limit), y(0)
    text = f'font-size="11" fill="{GREY}"'
    name = statistic_label(certificate)
    description = (
        f"A path of {len(density)} networks. The chosen one has {density[chosen]:.2%} "
        f"of the edges. {name}: {statistic[chosen]:.4g}, limit {certificate.limit:.4g}."
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 20}" width="{WIDTH}" '
        'style="max-width:100%;height:auto;font-family:sans-serif" role="img" '
        f'aria-label="{escape(description)}"><title>{escape(description)}</title>'
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{bottom}" y2="{bottom}" '
        f'stroke="{GREY}" stroke-opacity=".5"/>'
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{limit}" y2="{limit}" '
        f'stroke="{ORANGE}" stroke-dasharray="4 3"/>'
        f'<polyline points="{line}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>'
        f'<circle cx="{x(density[chosen])}" cy="{y(statistic[chosen])}" r="5" '
        f'fill="{ORANGE}"/>'
        f'<text x="{WIDTH - MARGIN}" y="{float(limit) - 4:.4g}" text-anchor="end" '
        f"{text}>{name.split(' (')[0]}: limit {certificate.limit:.4g}</text>"
        f'<text x="{MARGIN}" y="{HEIGHT + 6}" {text}>{10**lowest:.2%} of the edges'
        f'</text><text x="{WIDTH - MARGIN}" y="{HEIGHT + 6}" text-anchor="end" {text}>'
        "all edges</text></svg>"
    )
