import warnings
from copy import copy, deepcopy

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor, _compressor, certify
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS
from skcoreset._wrapped import network_of

from .conftest import fitted, may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse


@pytest.mark.filterwarnings("ignore:density=0.5 cannot be had from method='corenet")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_compresses_to_a_density(method, mlp, digits):
    X, y = digits[2:]
    compressor = CoresetCompressor(mlp, method=method, density=0.5, random_state=0)
    compressor.fit(X[:500])
    # a draw of whole neurons is off by some of them
    assert (0.3 if method == "pfp" else 0.4) < compressor.density_ < 0.55
    is_dense = METHODS[method].drops_neurons
    kept = sum(coef.size for coef in compressor.coefs_)
    assert compressor.density_ == kept / sum(coef.size for coef in mlp.coefs_)
    assert compressor.n_parameters_ == kept + sum(map(len, compressor.intercepts_))
    kind = np.ndarray if is_dense else sparse.csr_array
    assert all(isinstance(coef, kind) for coef in compressor.coefs_)
    predictions = compressor.predict(X)
    np.testing.assert_array_equal(compressor.estimator_.predict(X), predictions)
    np.testing.assert_array_equal(compressor.to_dense().predict(X), predictions)
    assert compressor.score(X, y) == (predictions == y).mean()
    assert compressor.transform(X).dtype == np.float32


@pytest.mark.parametrize("error", ["auto", *ERRORS])
@pytest.mark.parametrize("confidence", [None, 0.8])
def test_certificate_is_what_the_held_out_rows_say(error, confidence, mlp, digits):
    X = digits[2]
    X, X_val = X[:400], X[400:]
    kind = ERRORS["probability" if error == "auto" else error]
    compressor = CoresetCompressor(
        mlp,
        method="magnitude",
        error=error,
        epsilon=None if kind.counts_rows else 0.5,
        delta=0.2,
        confidence=confidence,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some promise nothing
        compressor.fit(X, X_val=X_val)
    certificate = compressor.certificate_
    original = network_of(mlp)
    errors = kind.measure(
        compressor.transform(X_val),
        original.forward(X_val),
        original.out_activation,
        original.forward(X).std(axis=0, dtype=float),
    )
    over = errors > (0 if kind.counts_rows else 0.5)
    assert certificate.n_validation == len(X_val)
    assert certificate.share_over_epsilon == pytest.approx(over.mean(), abs=1e-9)
    assert certificate.statistic <= certificate.limit
    path = compressor.path_
    assert path["density"][path["chosen"]] == compressor.density_


def test_theoretical_mode_keeps_all_and_says_why(mlp, digits):
    with pytest.warns(UserWarning, match="theorem asks for .* draws"):
        compressor = CoresetCompressor(
            mlp, method="corenet", guarantee="theoretical", epsilon=0.5
        ).fit(digits[2])
    assert compressor.density_ == 1
    np.testing.assert_array_equal(compressor.predict(digits[0]), mlp.predict(digits[0]))
    assert compressor.certificate_.n_validation == 0
    np.testing.assert_array_equal(compressor.path_["chosen"], [False, True])
    assert "theorem" in str(compressor.certificate_)


def test_theoretical_mode_samples_where_its_constants_allow():
    # each sign of the one neuron has far more edges than the theorem asks draws for
    rng = np.random.default_rng(0)
    n_features = 100_000
    mlp = MLPClassifier((), max_iter=1, batch_size=2, random_state=0)
    mlp = fitted(mlp, rng.random((2, n_features)).astype(np.float32), [0, 1])
    # inputs of both signs would double the events, and signs that cancel, Delta
    mlp.coefs_[0] = np.abs(mlp.coefs_[0])
    X = 1 + 0.01 * rng.random((80, n_features)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor = CoresetCompressor(
            mlp, method="corenet", guarantee="theoretical", epsilon=0.9, random_state=0
        ).fit(X[:60])
    assert compressor.density_ < 0.5
    assert compressor.certificate_.holds
    F = network_of(mlp).forward(X[60:])
    change = np.abs(compressor.transform(X[60:]) - F)
    assert (change <= 0.9 * np.abs(F)).all()


def test_theorem_removes_neurons_without_edges_only(mlp, digits):
    mlp = deepcopy(mlp)
    mlp.intercepts_[0][3] = -1000  # silent on the calibration rows
    mlp.coefs_[1][5] = 0  # read by none
    compressor = CoresetCompressor(
        mlp, method="corenet", guarantee="theoretical", prune_neurons=True
    )
    with pytest.warns(UserWarning, match="theorem asks for .* draws"):
        compressor.fit(digits[2])
    assert compressor.coefs_[0].shape[1] == 31
    np.testing.assert_allclose(
        compressor.predict_proba(digits[0]), mlp.predict_proba(digits[0]), rtol=1e-4
    )


def test_one_row_is_left_to_calibrate_on(mlp, digits):
    compressor = CoresetCompressor(
        mlp, method="magnitude", validation_fraction=0.999, random_state=0
    ).fit(digits[2][:50])
    assert compressor.certificate_.n_validation == 49


def test_too_few_rows_says_how_many_are_missing(mlp, digits):
    X = digits[2]
    with pytest.raises(ValueError, match=r"99 held-out rows.* 30: 69 are missing"):
        CoresetCompressor(mlp, delta=0.01).fit(X[:100])
    with pytest.raises(ValueError, match="X_val has 5: 14 are missing"):
        CoresetCompressor(mlp).fit(X, X_val=X[:5])
    with pytest.raises(ValueError, match="calibration rows and n_samples=20"):
        CoresetCompressor(mlp, method="corenet", guarantee="theoretical").fit(X[:20])


def test_broken_promise_is_never_returned(mlp, digits):
    with pytest.warns(UserWarning, match="left uncompressed"):
        compressor = CoresetCompressor(
            mlp, method="uniform", epsilon=1e-6, random_state=0
        ).fit(digits[2])
    assert compressor.density_ == 1


def test_edges_of_removed_neurons_are_said(mlp, digits):
    silent = deepcopy(mlp)
    silent.intercepts_[0][:12] = -100
    compressor = CoresetCompressor(silent, density=0.8, random_state=0)
    with pytest.warns(UserWarning, match="density=0.8 cannot.*take their edges"):
        compressor.fit(digits[2])
    assert compressor.density_ < 0.7


def test_unreachable_density_is_said(mlp, digits):
    X = digits[2].copy()
    X[:, :32] = 0
    with pytest.warns(UserWarning, match=r"density=0.9 cannot be had .* 0\.\d+ was"):
        CoresetCompressor(mlp, method="corenet", density=0.9, random_state=0).fit(X)


def test_held_out_rows_are_apart_from_training(digits):
    X, y = digits[:2]
    seen = {}

    class Spy(MLPClassifier):
        def fit(self, X, y, sample_weight=None):
            seen["X"] = X
            return super().fit(X, y)

    compressor = CoresetCompressor(
        Spy((16,), max_iter=200, random_state=0), method="magnitude", random_state=0
    ).fit(X, y)
    assert len(seen["X"]) + compressor.certificate_.n_validation == len(X)


@pytest.fixture(scope="module")
def few_words():
    """Rows of which 5% are not 0, a network for them, and their classes."""
    X = sparse.csr_array(sparse.random(400, 150, density=0.05, random_state=0))
    y = np.asarray(X[:, :20].sum(axis=1) > X[:, 20:40].sum(axis=1)).astype(int)
    y[X[:, 40:60].sum(axis=1) > 0.5] = 2
    mlp = MLPClassifier((12,), max_iter=60, random_state=0)
    return X, y, fitted(mlp, X[:200], y[:200])


@pytest.mark.parametrize(
    "options", [*({"method": name} for name in METHODS), {"refine": True}, {"bits": 3}]
)
@pytest.mark.filterwarnings("ignore:The compressed network predicts less")
def test_sparse_rows_are_compressed_on_as_dense_ones(options, few_words):
    X, y, mlp = few_words
    options = {"method": "magnitude", "density": 0.4} | options
    dense, from_sparse = (
        CoresetCompressor(mlp, random_state=0, **options).fit(convert(X[200:]))
        for convert in (sparse.csr_array.toarray, sparse.csc_matrix)
    )
    for tune in (False, True):
        if tune:
            for compressor in (dense, from_sparse):
                rows = X if compressor is from_sparse else X.toarray()
                compressor.fine_tune(rows, y, n_epochs=2)
        np.testing.assert_allclose(
            from_sparse.transform(X), dense.transform(X.toarray()), rtol=1e-5, atol=1e-6
        )
    assert from_sparse.density_ == dense.density_


@pytest.mark.parametrize("fits", [False, True])
@pytest.mark.parametrize(
    "options, trains",
    [
        ({"method": "refined"}, True),
        ({"method": "sipp", "refine": True}, True),
        ({"method": "sipp", "bits": 2}, True),
        ({"method": "sipp"}, False),
    ],
)
def test_of_many_rows_weights_are_trained_on_some(
    options, trains, fits, digits, monkeypatch, capsys
):
    X, y = digits[0][:300], digits[1][:300]
    seen = []

    def spy(network, X, *args, **options):
        seen.append(X)
        return compress(network, X, *args, **options)

    compress = _compressor.compress
    monkeypatch.setattr(_compressor, "compress", spy)
    monkeypatch.setattr(_compressor, "N_CALIBRATION", 40)
    mlp = MLPClassifier((8,), max_iter=2 if fits else 1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if not fits:
            mlp.fit(X, y)
        compressor = CoresetCompressor(
            mlp, density=0.5, random_state=0, verbose=1, **options
        )
        compressor.fit(X[:200], y[:200], X_val=X[200:])
    (rows,) = seen
    assert len(rows) == (40 if trains else 200)
    # each of them once
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert (rows[:, np.newaxis] == X[:200]).all(axis=2).any(axis=1).all()
    assert ("40 of 200 rows" in capsys.readouterr().out) == trains


def test_grid_of_epsilons_is_monotone(mlp, digits):
    X = digits[2]
    densities = [
        CoresetCompressor(mlp, method="corenet", epsilon=epsilon, random_state=0)
        .fit(X)
        .density_
        for epsilon in (0.05, 0.2, 0.5, 2.0)
    ]
    assert densities == sorted(densities, reverse=True)
    assert densities[-1] < densities[0]


def test_fitted_pipeline_is_compressed_as_it_is(digits):
    X, y, X_new, y_new = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((32,), max_iter=80, random_state=0)
    )
    pipeline = fitted(pipeline, X, y)
    compressor = CoresetCompressor(
        pipeline, method="sipp", density=0.6, random_state=0
    ).fit(X_new)
    assert type(compressor.estimator_) is type(pipeline)
    assert compressor.estimator_[0] is not pipeline[0]
    np.testing.assert_array_equal(compressor.estimator_[0].mean_, pipeline[0].mean_)
    np.testing.assert_array_equal(
        compressor.predict(X_new), compressor.estimator_.predict(X_new)
    )
    assert sparse.issparse(compressor.estimator_[-1].coefs_[0])
    assert not sparse.issparse(pipeline[-1].coefs_[0])
    # labels are not needed, and may be passed
    again = clone(compressor).fit(X_new, y_new)
    np.testing.assert_array_equal(again.transform(X), compressor.transform(X))


def test_verbose_prints_the_path(mlp, digits, capsys):
    for error, differ in (("probability", "over epsilon"), ("prediction", "change")):
        compressor = CoresetCompressor(mlp, method="magnitude", density=0.5, verbose=1)
        compressor.set_params(error=error).fit(digits[2])
        last = capsys.readouterr().out.splitlines()[-1]
        assert "density 0.5000" in last and last.endswith(f"held-out rows {differ}")


def test_fine_tuning_keeps_the_pattern_and_ends_the_promise(mlp, digits):
    X, y, X_new, _ = digits
    compressor = CoresetCompressor(
        mlp, method="magnitude", density=0.05, random_state=0
    ).fit(X_new)
    before, estimator = compressor.score(X, y), compressor.estimator_
    pattern = [coef.copy() for coef in compressor.coefs_]
    weights = [coef.copy() for coef in mlp.coefs_]
    compressor.fine_tune(X, y)
    assert compressor.score(X, y) > before + 0.1
    assert compressor.estimator_ is not estimator
    for coef, kept in zip(compressor.coefs_, pattern):
        np.testing.assert_array_equal(coef.indices, kept.indices)
        np.testing.assert_array_equal(coef.indptr, kept.indptr)
    for coef, expected in zip(mlp.coefs_, weights):
        np.testing.assert_array_equal(coef, expected)
    assert not compressor.certificate_.holds
    assert "No promise" in str(compressor.certificate_)
    np.testing.assert_array_equal(
        compressor.predict(X_new), compressor.estimator_.predict(X_new)
    )


def test_fine_tuning_with_weights_of_the_rows(mlp, digits):
    X, y = digits[:2]
    compressor = CoresetCompressor(
        mlp, method="magnitude", density=0.05, random_state=0
    ).fit(digits[2])

    def tuned(**params):
        return deepcopy(compressor).fine_tune(X, y, n_epochs=3, **params).coefs_[0].data

    np.testing.assert_array_equal(tuned(sample_weight=np.ones(len(X))), tuned())
    assert (tuned(sample_weight=y == 3) != tuned()).any()
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        tuned(sample_weight=np.ones(3))


def test_html_shows_density_and_certificate(mlp, digits):
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5)
    assert "of the edges" not in compressor._repr_html_()
    html = compressor.fit(digits[2])._repr_html_()
    assert "50.00% of the edges" in html
    assert "held-out rows" in html
    assert "50.00% of the edges" in compressor._repr_mimebundle_()["text/html"]
    with config_context(display="text"):
        assert "text/html" not in compressor._repr_mimebundle_()


def test_set_output_leaves_predictions_alone(mlp, digits):
    pandas = pytest.importorskip("pandas")
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X)
    expected = compressor.predict_proba(X)
    compressor.set_output(transform="pandas")
    assert isinstance(compressor.transform(X), pandas.DataFrame)
    np.testing.assert_array_equal(compressor.predict_proba(X), expected)


def test_a_compressed_network_can_be_compressed_again(mlp, digits):
    X = digits[2]
    first = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X)
    second = CoresetCompressor(first.estimator_, method="magnitude", density=0.5).fit(X)
    assert second.density_ == pytest.approx(0.5, abs=0.001)
    assert second.n_parameters_ < first.n_parameters_


def test_data_frames_raise_no_warnings(digits):
    pandas = pytest.importorskip("pandas")
    X, X_new = (pandas.DataFrame(rows).add_prefix("pixel") for rows in digits[::2])
    mlp = fitted(MLPClassifier((8,), max_iter=20, random_state=0), X, digits[1])
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor.fit(X_new).predict(X)
    np.testing.assert_array_equal(compressor.feature_names_in_, X.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        compressor.fit(X[X.columns[::-1]])


def test_score_without_labels_names_scorers_that_need_none(mlp, digits):
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.9).fit(digits[2])
    with pytest.raises(TypeError, match=r"score needs y\. .*neg_error_score"):
        compressor.score(digits[2])


def test_names_of_columns_reach_a_network_that_fit_trains(digits):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(digits[0]).add_prefix("pixel")
    mlp = MLPClassifier((4,), max_iter=2, random_state=0)
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.9)
    fitted(compressor, X, digits[1])
    for names in (compressor, compressor.estimator_):
        np.testing.assert_array_equal(names.feature_names_in_, X.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        compressor.predict(X[X.columns[::-1]])


def test_path_has_the_bound_that_decides(mlp, digits):
    path = (
        CoresetCompressor(mlp, method="magnitude", epsilon=0.3, random_state=0)
        .fit(digits[2])
        .path_
    )
    assert (path["statistic"] > path["share_over_epsilon"]).all()
    # the first network that fails ends the path; the one before it is chosen
    assert (path["statistic"][:-1] <= 0.05).all() and path["statistic"][-1] > 0.05
    assert path["chosen"].argmax() == len(path["chosen"]) - 2


@pytest.mark.parametrize("method", ["corenet", "magnitude", "refined", "sipp"])
def test_precisions_agree(method, mlp, digits):
    precise = copy(mlp)
    precise.coefs_ = [coef.astype(np.float64) for coef in mlp.coefs_]
    precise.intercepts_ = [b.astype(np.float64) for b in mlp.intercepts_]
    X, X_test = digits[2], digits[0]
    outputs = [
        CoresetCompressor(network, method=method, density=0.2, random_state=0)
        .fit(X.astype(network.coefs_[0].dtype))
        .transform(X_test.astype(network.coefs_[0].dtype))
        for network in (mlp, precise)
    ]
    assert [F.dtype for F in outputs] == [np.float32, np.float64]
    difference = np.linalg.norm(outputs[0] - outputs[1])
    assert difference < 1e-5 * np.linalg.norm(outputs[1])


def test_networks_of_another_byte_order(mlp, digits):
    X = digits[2]
    swapped = deepcopy(mlp)
    for name in ("coefs_", "intercepts_"):
        arrays = [array.astype(">f4") for array in getattr(mlp, name)]
        setattr(swapped, name, arrays)
    for parameters in ({"density": 0.3}, {"epsilon": 1e-9}):
        one, other = (
            CoresetCompressor(m, method="magnitude", random_state=0, **parameters)
            for m in (mlp, swapped)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a network left as it was
            expected = one.fit(X).transform(X)
            np.testing.assert_array_equal(other.fit(X).transform(X), expected)


def test_damage_of_the_original_is_not_in_the_way(mlp, digits):
    X = digits[2]
    original = deepcopy(mlp)
    compressor = CoresetCompressor(original, method="magnitude", density=0.5).fit(X)
    original.coefs_[0] = original.coefs_[0][1:]
    assert "predict" in dir(compressor)
    assert "50.00% of the edges" in compressor._repr_html_()
    assert compressor.transform(X).shape == (len(X), 10)


def test_rows_that_are_all_alike_promise_nothing_of_others(mlp, digits):
    X = np.repeat(digits[2][:1], 100, axis=0)
    with pytest.warns(UserWarning, match="no edges left: on the 30 held-out"):
        compressor = CoresetCompressor(mlp, random_state=0).fit(X)
    assert compressor.density_ == 0
    certificate = certify(mlp, compressor, digits[2][1:], epsilon=0.1, delta=0.1)
    assert not certificate.holds
