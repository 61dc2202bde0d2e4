"""A certificate as a page for people who sign: self-contained, made to be printed."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from html import escape
from math import isnan

from .._errors import ERRORS

_STYLE = """
@page { margin: 20mm }
body { font: 11pt/1.45 Georgia, serif; color: #111; background: #fff;
       max-width: 42em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 1.6em 0 .4em }
.promise { font-size: 1.2em; border-left: .3em solid #1f85c7; padding: .2em 0 .2em 1em }
.none { border-color: #d55e00 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25em .8em .25em 0;
         border-bottom: 1px solid #bbb }
th { font-weight: normal; width: 15em }
code { font: .85em/1.4 monospace; overflow-wrap: anywhere }
.sign td { height: 3.5em; border: 1px solid #777; padding: .4em }
table, p { break-inside: avoid }
"""

# What nobody can compute again from the networks and the rows.
_NOT_CHECKED = (
    "Neither network was trained on the held-out rows, and the choice of the network "
    "did not look at them in any other way than is stated here.",
    "The held-out rows are a random sample of the rows that the network will meet.",
)

_SIGNATURE = (
    '<table class="sign"><tr><td>Name</td><td>Date</td><td>Signature</td></tr></table>'
)


def to_html(certificate, title):
    """Return the page.

    Parameters
    ----------
    certificate : Certificate

    title : str
    """
    promised = "" if certificate.holds else " none"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="promise{promised}">{escape(certificate.promise)}</p>',
        f"<p>{escape(certificate.check)}</p>",
        f"<p><small>{escape(certificate.fine_print)}</small></p>",
    ]
    is_revoked = certificate.guarantee is None
    if not is_revoked:
        parts += [_section("Numbers", _numbers(certificate))]
    if certificate.share_by_class:
        parts += [_section("Changed predictions by class", _classes(certificate))]
    if certificate.provenance is not None:
        parts += [_section("What it is about", _provenance(certificate.provenance))]
    if certificate.n_validation and not is_revoked:
        lines = "".join(f"<li>{line}</li>" for line in _NOT_CHECKED)
        parts += [f"<h2>What the signer confirms</h2><ul>{lines}</ul>"]
    if not is_revoked:
        parts += [_SIGNATURE]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _numbers(certificate):
    confidence = certificate.confidence
    rows = {
        "Error that is measured": certificate.error,
        "A row is lost if": (
            "its prediction changes"
            if ERRORS[certificate.error].counts_rows
            else f"its error is over {_text(certificate.epsilon)} (epsilon)"
        ),
        "Largest share of lost rows (delta)": _percent(certificate.delta),
        "Confidence": "on average" if confidence is None else _percent(confidence),
        "Procedure": certificate.procedure,
        "Held-out rows": certificate.n_validation,
        "Share of them that is lost": _percent(certificate.share_over_epsilon),
        "Number that is compared": certificate.statistic,
        "Its limit": certificate.limit,
    }
    for level, value in certificate.quantiles.items():
        name = f"Error that {_percent(level)} of the held-out rows do not exceed"
        rows[name] = value
    if certificate.scale is not None:
        rows["Unit of each output"] = ", ".join(map(_text, certificate.scale))
    return rows


def _classes(certificate):
    shares = certificate.share_by_class.items()
    rows = {name: _percent(share) for name, share in shares}
    return rows | dict.fromkeys(certificate.not_covered, "not covered")


def _provenance(provenance):
    rows = {"Original": provenance.original, "Compressed": provenance.compressed}
    if provenance.before is not None:
        rows["The network before it"] = provenance.before
    rows = {
        f"{name} (SHA-256 of the {digest.kind})": f"<code>{digest.sha256}</code>"
        for name, digest in rows.items()
    }
    if provenance.rows_sha256 is not None:
        rows["Held-out rows (SHA-256)"] = f"<code>{provenance.rows_sha256}</code>"
    versions = ", ".join(f"{name} {it}" for name, it in provenance.versions.items())
    return rows | {"Made": provenance.created, "With": versions}


def _section(heading, rows):
    cells = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{_text(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<h2>{heading}</h2><table>{cells}</table>"


def _percent(share):
    return "" if isnan(share) else f"{100 * share:.6g}%"


def _text(value):
    """A cell; what is not known is left empty."""
    if isinstance(value, float):
        return "" if isnan(value) else f"{value:.6g}"
    return str(value)
