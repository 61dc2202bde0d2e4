"""Certificates as documents: there and back, and every change is found."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skcoreset import Certificate, CoresetCompressor, certify, verify
from skcoreset._errors import ERRORS
from skcoreset._network import Network
from skcoreset._wrapped import with_network

from .conftest import fitted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SCHEMA = Path(__file__).parents[1] / "doc" / "_static" / "certificate.schema.json"


@pytest.fixture(scope="module")
def rows(digits):
    """Calibration rows and held-out rows."""
    return digits[2][:400], digits[2][400:]


def compressed(mlp, rows, **options):
    options = {"method": "magnitude", "delta": 0.2, "random_state": 0} | options
    return CoresetCompressor(mlp, **options).fit(rows[0], X_val=rows[1])


OPTIONS = {
    "on average": {"epsilon": 0.3, "error": "relative"},
    "with confidence": {"confidence": 0.9},
    "prediction": {"error": "prediction"},
    "classwise": {"error": "classwise", "delta": 0.4},
    "density": {"density": 0.5},
    "density of rows": {"density": 0.5, "error": "prediction"},
    "theorem": {
        "method": "corenet",
        "guarantee": "theoretical",
        "epsilon": 0.9,
    },
}


@pytest.fixture(scope="module", params=OPTIONS)
def compressor(request, mlp, rows):
    if request.param == "theorem":
        options = {"delta": 0.5, "random_state": 0} | OPTIONS[request.param]
        return CoresetCompressor(mlp, **options).fit(np.vstack(rows))
    return compressed(mlp, rows, **OPTIONS[request.param])


def test_certificates_come_back_from_json(compressor):
    certificate = compressor.certificate_
    text = certificate.to_json()
    again = Certificate.from_json(text)
    assert again == certificate and again.provenance == certificate.provenance
    assert again.provenance.created == certificate.provenance.created
    assert str(again) == str(certificate) and again.to_json() == text
    assert json.loads(text) == certificate.to_dict()
    assert Certificate.from_json(text.encode()) == certificate
    # nothing is left out
    document = certificate.to_dict()
    assert {field.name for field in fields(Certificate)} <= set(document)
    assert document["words"] == str(certificate)


def test_rows_of_the_network_before_are_counted_only_on_a_path(mlp, rows):
    for options, counted in (
        ({"epsilon": 0.3, "error": "relative"}, True),
        ({"density": 0.5}, False),
        ({"confidence": 0.9}, False),
    ):
        certificate = compressed(mlp, rows, **options).certificate_
        assert ("the one before it" in str(certificate)) == counted
        assert (certificate.provenance.before is not None) == counted


def test_certificates_follow_the_schema(compressor, mlp, rows):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    certificates = [compressor.certificate_, compressor.certificate_.revoked()]
    certificates += [certify(mlp, mlp, rows[1], error="classwise", delta=None)]
    certificates += [replace(certificates[0], epsilon=np.inf)]
    for certificate in certificates:
        validator.validate(certificate.to_dict())
    for change in ({"holds": 1}, {"delta": "5%"}, {"epsilon": None}, {"more": 0}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(certificates[0].to_dict() | change)


def test_a_certificate_is_verified(compressor, mlp, rows):
    again = Certificate.from_json(compressor.certificate_.to_json())
    X_val = rows[1]
    for same in (compressor, compressor.estimator_, compressor.to_dense()):
        verification = verify(again, mlp, same, X_val)
    assert "- the digests of both networks" in str(verification)
    assert "the date and the versions" in verification.not_recomputed
    if again.guarantee != "theoretical":
        assert verify(again, mlp, compressor, X_val.astype(np.float64).tolist())


def flipped(network, layer, kind):
    """The network with one number changed by its last bit."""
    arrays = [np.array(array) for array in getattr(network, kind)]
    place = np.flatnonzero(arrays[layer])[0]
    arrays[layer].flat[place] = np.nextafter(arrays[layer].flat[place], np.inf)
    return replace(network, **{kind: tuple(arrays)})


def network_in(estimator):
    return Network(
        tuple(estimator.coefs_),
        tuple(estimator.intercepts_),
        estimator.activation,
        estimator.out_activation_,
    )


@pytest.mark.parametrize("kind", ["coefs", "intercepts"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_changed_weight_is_found(layer, kind, compressor, mlp, rows):
    certificate, X_val = compressor.certificate_, rows[1]
    other = with_network(mlp, flipped(network_in(mlp), layer, kind))
    with pytest.raises(ValueError, match="digest of original: stated"):
        verify(certificate, other, compressor, X_val)
    dense = compressor.to_dense()
    other = with_network(dense, flipped(network_in(dense), layer, kind))
    with pytest.raises(ValueError, match="digest of compressed: stated"):
        verify(certificate, mlp, other, X_val)


def test_one_changed_row_is_found(compressor, mlp, rows):
    certificate, X_val = compressor.certificate_, rows[1].copy()
    if certificate.guarantee == "theoretical":
        return
    X_val[17, 20] = np.nextafter(X_val[17, 20], 9)
    swapped = rows[1][np.r_[1, 0, 2 : len(X_val)]]
    for other in (X_val, swapped, rows[1][:-1]):
        with pytest.raises(ValueError, match="digest of the held-out rows: stated"):
            verify(certificate, mlp, compressor, other)


def changes(certificate):
    """Every number that follows from networks and rows, changed by little."""
    changed = {"delta": 1.01 * certificate.delta, "holds": not certificate.holds}
    if certificate.guarantee != "theoretical":
        others = {"conformal": "test", "test": "conformal"}
        changed["guarantee"] = others[certificate.guarantee]
        for name in ("share_over_epsilon", "statistic", "limit"):
            changed[name] = getattr(certificate, name) + 0.003
        changed["n_validation"] = certificate.n_validation - 1
        for level, value in certificate.quantiles.items():
            changed[f"quantile {level}"] = certificate.quantiles | {level: value + 0.01}
        for name in certificate.share_by_class:
            other = {name: certificate.share_by_class[name] + 0.01}
            changed[f"class {name}"] = certificate.share_by_class | other
        if certificate.share_by_class:
            changed["not_covered"] = (11,)
        if not ERRORS[certificate.error].counts_rows:
            changed["epsilon"] = 1.2 * certificate.epsilon
            changed["n_outputs"] = 11
    return changed


def test_every_changed_number_is_found(compressor, mlp, rows):
    certificate = compressor.certificate_
    if certificate.guarantee == "theoretical":
        return
    for name, value in changes(certificate).items():
        if name == "holds" and not certificate.holds:
            continue  # below
        field = {"quantile": "quantiles", "class": "share_by_class"}
        field = field.get(name.split()[0], name)
        other = replace(certificate, **{field: value})
        again = Certificate.from_json(other.to_json())
        with pytest.raises(ValueError, match="does not say what the networks"):
            verify(again, mlp, compressor, rows[1])


def test_a_promise_that_was_not_made_is_found(mlp, rows):
    half = compressed(mlp, rows, density=0.05)
    options = {"error": "prediction", "delta": 0.01}
    certificate = certify(mlp, half, rows[1], **options)
    assert not certificate.holds and verify(certificate, mlp, half, rows[1])
    with pytest.raises(ValueError, match="holds: stated True, found False"):
        verify(replace(certificate, holds=True), mlp, half, rows[1])


def test_the_network_before_is_recomputed_with_the_others(mlp, rows):
    compressor = compressed(mlp, rows, epsilon=0.3, error="relative")
    certificate = compressor.certificate_
    provenance = certificate.provenance
    # magnitude keeps the largest weights: the path is known without the compressor
    density = compressor.path_["density"]
    before = density[np.flatnonzero(compressor.path_["chosen"]).item() - 1]
    before = compressed(mlp, rows, density=float(before))
    verification = verify(certificate, mlp, compressor, rows[1], before=before)
    assert "the rows that the network before loses" in verification.recomputed
    assert not any("before" in line for line in verification.not_recomputed)
    with pytest.raises(ValueError, match="digest of before: stated"):
        verify(certificate, mlp, compressor, rows[1], before=mlp)
    # one bit more, of a row that is not lost
    mask = provenance.mask_before(len(rows[1]))
    first = int(np.flatnonzero(~mask)[0])
    mask[first] = True
    lost_before = np.packbits(mask).tobytes().hex()
    other = replace(
        certificate, provenance=replace(provenance, lost_before=lost_before)
    )
    with pytest.raises(ValueError, match=f"1 differ, the first is row {first}"):
        verify(other, mlp, compressor, rows[1], before=before)
    with_confidence = compressed(mlp, rows, confidence=0.9)
    with pytest.raises(ValueError, match="before plays no part"):
        verify(with_confidence.certificate_, mlp, with_confidence, rows[1], before=mlp)


def test_a_row_at_epsilon_may_count_either_way(mlp, rows):
    half = compressed(mlp, rows, density=0.5)
    certificate = certify(mlp, half, rows[1], delta=0.2)
    # epsilon is the error of one row: a machine that rounds otherwise loses that, too
    for epsilon in (1 - 1e-9, 1 + 1e-9):
        other = replace(certificate, epsilon=epsilon * certificate.epsilon)
        assert verify(other, mlp, half, rows[1])
    with pytest.raises(ValueError, match="share_over_epsilon: stated"):
        other = replace(certificate, epsilon=0.99 * certificate.epsilon)
        verify(other, mlp, half, rows[1])


def test_what_is_no_network_is_known_by_its_outputs(mlp, rows):
    X, X_val = rows
    model = LogisticRegression(max_iter=1000).fit(X, mlp.predict(X))
    for error in ("prediction", "classwise", "probability"):
        epsilon = None if ERRORS[error].counts_rows else 0.2
        options = {"error": error, "epsilon": epsilon, "delta": None}
        certificate = certify(mlp, model, X_val, **options)
        assert certificate.provenance.compressed.kind == "outputs"
        assert verify(certificate, mlp, model, X_val)
        other = LogisticRegression(max_iter=1000).fit(X[:200], mlp.predict(X[:200]))
        with pytest.raises(ValueError, match="digest of compressed"):
            verify(certificate, mlp, other, X_val)


def test_scale_is_used_and_named_as_not_recomputed(regressor, digits):
    X = digits[2]
    compressor = CoresetCompressor(
        regressor, method="magnitude", epsilon=0.5, delta=0.2, random_state=0
    ).fit(X[:400], X_val=X[400:])
    certificate = Certificate.from_json(compressor.certificate_.to_json())
    verification = verify(certificate, regressor, compressor, X[400:])
    assert any(line.startswith("scale") for line in verification.not_recomputed)
    units = ", ".join(f"{unit:.6g}" for unit in certificate.scale)
    assert f"<td>{units}</td>" in certificate.to_html()
    other = replace(certificate, scale=tuple(1.1 * s for s in certificate.scale))
    with pytest.raises(ValueError, match="quantile: stated"):
        verify(other, regressor, compressor, X[400:])


def test_certificates_without_digests_are_refused(mlp, rows):
    compressor = compressed(mlp, rows)
    for certificate in (
        compressor.certificate_.revoked(),
        replace(compressor.certificate_, provenance=None),
    ):
        with pytest.raises(ValueError, match="has no digests"):
            verify(certificate, mlp, compressor, rows[1])
    with pytest.raises(TypeError, match="must be a Certificate; got a str"):
        verify(compressor.certificate_.to_json(), mlp, compressor, rows[1])


def test_infinite_and_unknown_numbers_are_strict_json(mlp, rows):
    certificate = replace(
        compressed(mlp, rows).certificate_, epsilon=np.inf, statistic=np.nan
    )
    text = certificate.to_json()
    assert "NaN" not in text and "Infinity" not in text
    again = Certificate.from_json(text)
    assert again.epsilon == np.inf and np.isnan(again.statistic)
    for text in ('{"a": NaN}', '{"a": -Infinity}', "{", '{"a": 1, "a": 2}'):
        with pytest.raises(ValueError, match="no strict JSON"):
            Certificate.from_json(text)


def test_classes_of_any_type_come_back():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    number = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    for names in (np.array(["a", "b", "c"]), np.array([1.0, 2, 3]), np.arange(3) > 0):
        y = names[number]
        model = fitted(LogisticRegression(), X, y)
        certificate = certify(model, model, X, error="classwise", delta=None)
        again = Certificate.from_json(certificate.to_json())
        assert again == certificate
        assert verify(again, model, model, X)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": "other"}, "no certificate"),
        ({"version": 2}, "version 2, and this release reads version 1"),
        ({"epsilon": "large"}, "damaged: ValueError"),
        ({"quantiles": []}, "damaged: AttributeError"),
        ({"share_by_class": [{}]}, "damaged: KeyError at 'class'"),
        ({"provenance": {"original": None}}, "damaged: KeyError"),
    ],
)
def test_documents_that_are_no_certificates(change, message, mlp, rows):
    document = compressed(mlp, rows).certificate_.to_dict() | change
    with pytest.raises(ValueError, match=message):
        Certificate.from_json(json.dumps(document))
    with pytest.raises(ValueError, match="no certificate"):
        Certificate.from_json("[]")


def test_report_is_self_contained_and_says_it_all(compressor):
    certificate = compressor.certificate_
    page = certificate.to_html(title="Digits <1>")
    assert page.startswith("<!DOCTYPE html>") and "Digits &lt;1&gt;" in page
    assert not re.search(r"https?:|<script|<link|@import|url\(", page)
    assert certificate.provenance.compressed.sha256 in page
    text = page.replace("&#x27;", "'")
    assert certificate.promise in text and certificate.check in text
    assert "nan" not in page.lower().replace("governance", "")
    for name in certificate.share_by_class:
        assert f"<th>{name}</th>" in page
    counts = ERRORS[certificate.error].counts_rows
    over = f"its error is over {certificate.epsilon:.6g} (epsilon)"
    lost = "its prediction changes" if counts else over
    assert f"<th>A row is lost if</th><td>{lost}</td>" in page
    assert "Signature" in page
    revoked = certificate.revoked().to_html()
    assert "No promise" in revoked and "SHA-256" not in revoked
    assert "confirms" not in revoked and "Signature" not in revoked


def test_monitor_of_a_certificate(mlp, rows, digits):
    compressor = compressed(mlp, rows, confidence=0.9)
    certificate = compressor.certificate_
    monitor = certificate.monitor(mlp, compressor, alpha=0.01).update(digits[0])
    assert (monitor.delta, monitor.alpha) == (0.2, 0.01)
    assert monitor.epsilon == certificate.epsilon and not monitor.on_average
    on_average = compressed(mlp, rows).certificate_
    with pytest.warns(UserWarning, match="made without a confidence"):
        assert on_average.monitor(mlp, compressor).on_average
    classwise = certify(mlp, compressor, rows[1], error="classwise", delta=0.9)
    few = replace(classwise, share_by_class={3: 0.1})
    assert few.monitor(mlp, compressor).update(digits[0]).n_not_judged > 0
    for other, message in (
        (certificate.revoked(), "nothing to monitor. No promise"),
        (replace(certificate, epsilon=np.inf), "cannot be broken"),
        (replace(certificate, delta=1.0), "cannot be broken"),
    ):
        with pytest.raises(ValueError, match=message):
            other.monitor(mlp, compressor)
