"""A certificate as a document: a dict that JSON can hold, and back.

:ref:`certificate_schema` in the user guide has the JSON Schema.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import json
from dataclasses import asdict
from math import inf, isinf, isnan

import numpy as np

from .digest import Digest
from .provenance import Provenance

FORMAT, VERSION = "skcoreset certificate", 1

# Fields of a certificate that JSON holds as they are, or as a number that may be
# missing or infinite.
PLAIN = (
    "guarantee",
    "error",
    "holds",
    "n_validation",
    "n_networks",
    "out_activation",
    "n_outputs",
)
NUMBERS = (
    "epsilon",
    "delta",
    "confidence",
    "share_over_epsilon",
    "statistic",
    "limit",
)


def to_dict(certificate):
    """Return a certificate as a dict that strict JSON can hold.

    Parameters
    ----------
    certificate : Certificate
    """
    provenance = certificate.provenance
    return {
        "format": FORMAT,
        "version": VERSION,
        "words": str(certificate),
        "procedure": certificate.procedure if certificate.guarantee else None,
        **{name: getattr(certificate, name) for name in PLAIN},
        **{name: _number(getattr(certificate, name)) for name in NUMBERS},
        "scale": None if certificate.scale is None else list(certificate.scale),
        "quantiles": {
            f"{level:g}": _number(value)
            for level, value in certificate.quantiles.items()
        },
        "share_by_class": [
            {"class": _as_json(name), "share": share}
            for name, share in certificate.share_by_class.items()
        ],
        "not_covered": [_as_json(name) for name in certificate.not_covered],
        "provenance": None if provenance is None else asdict(provenance),
    }


def fields_of(document):
    """Return the fields of the certificate that a dict holds.

    Parameters
    ----------
    document : dict
        From `to_dict`, also by way of JSON.

    Raises
    ------
    ValueError
        If it is no certificate, or of a version that is not known.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(
            f"The document is no certificate: its format is not {FORMAT!r}."
        )
    if document.get("version") != VERSION:
        raise ValueError(
            f"The certificate has version {document.get('version')!r}, and this "
            f"release reads version {VERSION}."
        )
    try:
        return _fields(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The certificate is damaged: {type(error).__name__} at {error}."
        ) from error


def _fields(document):
    scale, provenance = document["scale"], document["provenance"]
    return {
        **{name: document[name] for name in PLAIN},
        **{name: _read_number(document[name]) for name in NUMBERS},
        # the only number that may be missing, and not only unknown
        "confidence": document["confidence"],
        "scale": None if scale is None else tuple(map(float, scale)),
        "quantiles": {
            float(level): _read_number(value)
            for level, value in document["quantiles"].items()
        },
        "share_by_class": {
            entry["class"]: float(entry["share"])
            for entry in document["share_by_class"]
        },
        "not_covered": tuple(document["not_covered"]),
        "provenance": None if provenance is None else _provenance(provenance),
    }


def _provenance(document):
    digests = {
        name: None if document[name] is None else Digest(**document[name])
        for name in ("original", "compressed", "before")
    }
    return Provenance(**document | digests)


def to_json(certificate, indent=2):
    """Return a certificate as strict JSON."""
    return json.dumps(
        to_dict(certificate), allow_nan=False, ensure_ascii=False, indent=indent
    )


def read_json(text):
    """Return the dict in strict JSON: no NaN, no infinity, no key twice."""

    def refuse(constant):
        raise ValueError(f"{constant} is no strict JSON")

    def without_duplicates(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key comes twice")
        return found

    try:
        return json.loads(
            text, parse_constant=refuse, object_pairs_hook=without_duplicates
        )
    except ValueError as error:
        raise ValueError(f"The certificate is no strict JSON: {error}.") from error


def _number(value):
    """A number for JSON: null if it is not known, or the word "infinite"."""
    if value is None or isnan(value):
        return None
    return "infinite" if isinf(value) else float(value)


def _read_number(value):
    if value is None:
        return np.nan
    return inf if value == "infinite" else float(value)


def plain(name):
    """Return a class as Python has it: prints, compares and hashes as itself."""
    return name.item() if isinstance(name, np.generic) else name


def _as_json(name):
    name = plain(name)
    return name if isinstance(name, (bool, int, float, str)) else str(name)
