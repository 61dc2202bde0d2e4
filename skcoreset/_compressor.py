"""CoresetCompressor: the estimator around a method and a guarantee."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from copy import copy
from dataclasses import replace
from functools import partial
from math import ceil
from numbers import Integral, Real
from os import PathLike

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    TransformerMixin,
    is_classifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import (
    TransformerTags,
    check_consistent_length,
    check_random_state,
    get_tags,
)
from sklearn.utils.metadata_routing import (
    UNUSED,
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._compress import compress
from ._errors import ERRORS
from ._methods import METHODS
from ._network import fastest, live_neurons
from ._parallel import one_blas_thread
from ._plan import GUARANTEES, Plan, target_of
from ._promise.target import check_n_rows
from ._size import check_size
from ._sparse_mlp import to_sparse
from ._training import fine_tune
from ._wrapped import (
    DTYPES,
    SPARSE_FORMATS,
    AugmentedRows,
    check_estimator,
    check_finite_output,
    check_is_finite,
    class_probabilities,
    columns_read,
    decode_outputs,
    encode_targets,
    inputs_of,
    is_fitted,
    last_step,
    n_hidden_layers,
    network_of,
    numbered,
    predicts_labels,
    takes_in_fit,
    thawed,
    train_copy,
    warn_if_class_is_held_out,
    warn_if_not_trained_on,
    warn_if_training_rows,
    with_network,
)
from ._wrapped.compat import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    check_method_params,
    check_sample_weight,
    clone_parametrized,
    fit_context,
    fit_with_callbacks,
    num_samples,
    routing_enabled,
    safe_indexing,
    validate_parameter_constraints,
    watch_fit,
)
from .displays import html_summary

# Rows that weights are calibrated on, where they are trained: with more of them the
# networks were no sparser.
N_CALIBRATION = 10_000


def _wrapped_has(attribute):
    """Whether the wrapped network has a method."""

    def check(self):
        getattr(last_step(vars(self).get("estimator_", self._unwrapped())), attribute)
        return True

    return check


class CoresetCompressor(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
    """Compress a multi-layer perceptron into a sparse one, with a guarantee.

    A method turns a trained network and calibration rows into a path of ever sparser
    networks. Held-out rows say which is the sparsest of which it can be promised that
    ``error(f_hat(x), f(x)) <= epsilon`` for all but a share `delta` of new rows `x`.

    A fitted network is compressed as it is and never retrained or changed, neither by
    `fit` nor by a search that clones the compressor. One that is not fitted is trained
    first.

    Read more in the :ref:`User Guide <user_guide>`.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline, default=None
        The network, or a Pipeline that ends in it; fitted or not, and possibly in a
        :class:`~sklearn.frozen.FrozenEstimator`. A fitted one keeps its weights. One
        that is not fitted is cloned and trained on the rows that are not held out.
        None is ``MLPClassifier()``.

    method : {"refined", "neurons", "corenet", "corenet+", "corenet++", "uniform", \
            "l1", "l2", "l1+l2", "magnitude", "sipp", "pfp"}, default="refined"
        How edges, or neurons, are chosen.

        - "refined": by their importance to the output; the kept ones are trained to
          give the original outputs on the calibration rows. Needs no labels.
        - "neurons": the same for whole hidden neurons: a smaller dense network, which
          is faster everywhere. Those that stay take over from those that go.
        - "corenet": drawn by empirical sensitivity [1]_; "corenet+" removes neurons
          as well, and "corenet++" takes the best of many draws.
        - "uniform", "l1", "l2", "l1+l2": drawn uniformly, or by the magnitude or the
          square of the weight, or both, blind to the data.
        - "magnitude": the largest weights of the whole network.
        - "sipp": the largest mean relative importance [2]_.
        - "pfp": whole neurons, drawn by their sensitivity (Provable Filter Pruning
          [5]_).

    epsilon : float, default=None
        Largest error of a row that is not lost, positive, in the units of `error`. None
        is 0.05 of a probability and 0.1 of the other errors that have a default;
        "absolute" has none. It must be None if the error counts rows, or with a
        `density`.

    delta : float, default=0.05
        Share of new rows, between 0 and 1, that may be lost. It takes at least
        ``1 / delta - 1`` held-out rows, or ``log(1 - confidence) / log(1 - delta)``
        with a `confidence`.

    confidence : float, default=None
        None promises `delta` on average over draws of the held-out rows (conformal risk
        control [3]_). A number in (0, 1) promises it for *this* network, with that
        confidence over the draw of the held-out rows (fixed-sequence testing [4]_).

    guarantee : {"conformal", "theoretical"}, default="conformal"
        "conformal" chooses by held-out rows. It makes no assumption on the network, on
        its weights or on the distribution of the rows. "theoretical" takes the sample
        sizes of the theorem of CoreNet [1]_ and holds no rows out; it goes with the
        "corenet" methods only, and leaves networks of usual size uncompressed.

    error : {"auto", "relative", "scaled", "absolute", "probability", "prediction", \
            "classwise", "entrywise"}, default="auto"
        Error of a row.

        - "auto": "probability" for a classifier, "scaled" for a regressor; "entrywise"
          with ``guarantee="theoretical"``.
        - "relative": ``||f_hat - f||_2 / ||f||_2``, of the outputs before the output
          activation; of a softmax without the shift that all outputs have in common,
          which changes no probability.
        - "scaled": the largest change of an output, divided by its standard deviation
          on the calibration rows.
        - "absolute": the largest change of an output, in its units (on the log scale
          if the loss is Poisson).
        - "probability": the largest change of a predicted probability.
        - "prediction": 1 if the predicted class, or set of labels, changes, so that
          `delta` is a share of predictions.
        - "classwise": the same, and `delta` is kept in every class that the original
          predicts: a rare class cannot vanish. Not for several labels.
        - "entrywise": the largest ``|f_hat_k - f_k| / |f_k|``, as in [1]_.

        Only classifiers have "probability", "prediction" and "classwise".

    density : float, default=None
        Share of the original network's edges to keep, in (0, 1]; with "neurons" at
        most, as far as whole neurons allow. Then no error is targeted: `certificate_`
        has the smallest epsilon that can be promised at `delta`. None targets an error.

    bits : int, default=None
        1 to 8: the kept weights of each layer take at most `2**bits` values, the odd
        multiples of one float32 step, and are trained through the rounding; classifiers
        take 6 values of 3 bits. Intercepts have 5 bits more, those of the outputs 16.
        What is promised is of the rounded network. None rounds nothing.

    refine : bool, default=None
        Whether the kept edges are given the weights that reproduce the original best
        on the calibration rows. None is the rule of the method: yes for "refined" and
        "neurons", no for the others.

    prune_neurons : bool, default=None
        Whether hidden neurons that do nothing on the calibration rows are removed. None
        is the rule of the method: yes for "refined", "corenet+", "corenet++", "neurons"
        and "pfp", no for the others. "neurons" and "pfp" always remove what they drop.
        With ``guarantee="theoretical"`` only neurons without edges go.

    validation_fraction : float, default=0.3
        Share of the rows of X that is held out for the certificate, in (0, 1). Not used
        with `X_val` or with ``guarantee="theoretical"``.

    memory : None, str, path or joblib.Memory, default=None
        Where networks that are trained on the way are kept, as in
        :class:`~sklearn.pipeline.Pipeline`; a path is that of a folder. Fits that share
        network, rows, `method`, `error`, `refine` and an int as `random_state` train
        each network once, whatever their `epsilon`, `delta` and `confidence`: those of
        a search, also in several processes, or of the same compressor with another
        `epsilon`. With ``random_state=None`` every fit has a seed of its own, and
        nothing is shared. The result is the same, bit for bit, as with None, which
        keeps nothing. Load from a folder only what people you trust have written: like
        a pickle, it can run code.

    n_jobs : int, default=None
        Number of jobs of joblib. None is 1 unless in a
        :func:`joblib.parallel_config` context, -1 is all processors. The result does
        not depend on it.

    random_state : int, RandomState instance or None, default=None
        Holds rows out, draws edges and shuffles rows, and seeds a network that is
        trained and has no `random_state` of its own. Pass an int for results that can
        be repeated.

    verbose : int, default=0
        Above 0, a line is printed for each network of the path, and one that says where
        it is likely to end; of `method="refined"` also one for each step of the
        training, with the time that is left.

    Attributes
    ----------
    estimator_ : MLPClassifier, MLPRegressor or Pipeline
        The compressed network, of the class of the original. It predicts without this
        package and carries nothing that only training needs. It shares no array with
        the original, and predictions of the compressor do not follow when its weights
        are changed. The other steps of a Pipeline are those of the compressor: refit
        them in a copy only.

    original_estimator_ : MLPClassifier, MLPRegressor or Pipeline
        The network that was compressed: `estimator` itself where it was fitted; a copy
        that predicts numbers of its classes where `fit` was given these as `y`, as
        scikit-learn's ensembles do.

    coefs_ : list of csr_array or of ndarrays, of shape (n_in, n_out)
        Weight matrices of the compressed network. They are ndarrays where every edge
        between the neurons that are left is kept.

    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of the compressed network.

    density_ : float
        Share of the original network's edges (weights that are not 0) that was kept.

    n_parameters_ : int
        Number of edges and intercepts of the compressed network.

    certificate_ : Certificate
        What is promised, and on what it rests; see :class:`~skcoreset.Certificate`.
        Printing it gives a sentence.

    path_ : dict of str to ndarray of shape (n_networks,)
        The networks that were looked at, the original first: `density`; `error_q50`,
        `error_q90` and `error_q99`, quantiles of the error on the held-out rows;
        `share_over_epsilon`; `statistic`, the number that is compared with the
        certificate's `limit`; and `chosen`, which is True for one of them. Without
        held-out rows all but `density` and `chosen` are NaN.

    classes_ : ndarray of shape (n_classes,)
        Classes of a classifier.

    n_features_in_ : int
        Number of features that the wrapped estimator was fitted with.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where it was fitted with names that are all strings.

    Raises
    ------
    ValueError
        By `fit`; see there. The constructor checks nothing.

    See Also
    --------
    skcoreset.certify : The same promise for any two estimators.
    skcoreset.model_selection.fidelity_score : Agreement with the original network.
    skcoreset.model_selection.SparsestWithin : The sparsest good candidate of a search.
    skcoreset.bounds.occam_bound : Generalization bound of the compressed network.
    sklearn.frozen.FrozenEstimator : For networks that are values of a parameter grid.

    Notes
    -----
    A promise asks that held-out and fresh rows are exchangeable: neither the network
    nor the steps of a Pipeline before it may have been fitted on the held-out rows, and
    fresh rows must come from the same distribution. A certificate that was picked as
    the best of several on the same rows no longer holds at its `delta`. See
    :ref:`guarantees`.

    References
    ----------
    .. [1] C. Baykal, L. Liebenwein, I. Gilitschenski, D. Feldman, D. Rus,
       "Data-Dependent Coresets for Compressing Neural Networks with Applications to
       Generalization Bounds", ICLR 2019, :arxiv:`1804.05345`.

    .. [2] C. Baykal, L. Liebenwein, I. Gilitschenski, D. Feldman, D. Rus,
       "Sensitivity-Informed Provable Pruning of Neural Networks", SIAM Journal on
       Mathematics of Data Science 4(1), 2022, :arxiv:`1910.05422`.

    .. [3] A. N. Angelopoulos, S. Bates, A. Fisch, L. Lei, T. Schuster, "Conformal Risk
       Control", 2022, :arxiv:`2208.02814`.

    .. [4] A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan, L. Lei, "Learn then
       Test: Calibrating Predictive Algorithms to Achieve Risk Control", 2021,
       :arxiv:`2110.01052`.

    .. [5] L. Liebenwein, C. Baykal, H. Lang, D. Feldman, D. Rus, "Provable Filter
       Pruning for Efficient Neural Networks", ICLR 2020, :arxiv:`1911.07412`.

    Examples
    --------
    Half of the digits train a network, the other half compresses it; no labels are
    needed for that.

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_new, y_train, y_new = train_test_split(
    ...     X / 16, y, test_size=0.5, random_state=0)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X_train, y_train)
    >>> compressor = CoresetCompressor(mlp, random_state=0).fit(X_new)
    >>> print(compressor.certificate_)
    A new row like the held-out ones keeps every predicted probability within 0.05 of
    the original's with probability at least 95%, the luck of the held-out draw
    included. Checked on 270 held-out rows: ... differ by more, ...
    >>> print(compressor.density_ < 0.5)
    True
    >>> compressor.score(X_new, y_new) > mlp.score(X_new, y_new) - 0.02
    True

    The sparse network also comes as a plain scikit-learn estimator.

    >>> compressor.estimator_.coefs_[0].shape
    (64, ...)
    """

    # what is passed is for the wrapped estimator only
    __metadata_request__fit = {"sample_weight": UNUSED}

    _parameter_constraints: dict = {
        "estimator": [None, HasMethods(["fit", "predict"])],
        "method": [StrOptions(set(METHODS))],
        "epsilon": [None, Interval(Real, 0, None, closed="neither")],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [None, Interval(Real, 0, 1, closed="neither")],
        "guarantee": [StrOptions(set(GUARANTEES))],
        "error": [StrOptions({"auto", *ERRORS})],
        "density": [None, Interval(Real, 0, 1, closed="right")],
        "bits": [None, Interval(Integral, 1, 8, closed="both")],
        "refine": [None, "boolean"],
        "prune_neurons": [None, "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "memory": [None, str, PathLike, HasMethods(["cache"])],
        "n_jobs": [
            None,
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
        ],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        method="refined",
        epsilon=None,
        delta=0.05,
        confidence=None,
        guarantee="conformal",
        error="auto",
        density=None,
        bits=None,
        refine=None,
        prune_neurons=None,
        validation_fraction=0.3,
        memory=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.method = method
        self.epsilon = epsilon
        self.delta = delta
        self.confidence = confidence
        self.guarantee = guarantee
        self.error = error
        self.density = density
        self.bits = bits
        self.refine = refine
        self.prune_neurons = prune_neurons
        self.validation_fraction = validation_fraction
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    @one_blas_thread
    def fit(self, X, y=None, sample_weight=None, *, X_val=None, **fit_params):
        """Compress the network.

        It is trained first if it is not fitted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Calibration rows, of what the wrapped estimator takes. Labels are not
            needed for them. A fitted Pipeline gets X unvalidated. A compressor that is
            a step of a Pipeline must get rows scaled as for the training of its
            network, which it cannot check. A share `validation_fraction` of the rows is
            held out for the certificate; a fitted network must not have been trained on
            these. Where weights are trained
            ("refined", "neurons", `refine` or `bits`), at most 10,000 of the others are
            used, drawn at random; see :ref:`many_rows`.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Classes or values. They train a network that is not fitted; a fitted one
            is only compared with them, and is never trained.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the training of a network that is not fitted. A
            fitted one is compressed without them.

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Held-out rows, where they are not to be a random part of X: later rows, say,
            or those of other groups. Then all of X is calibrated on.

        **fit_params : dict
            Other metadata for the `fit` of a network that is not fitted. None of it
            reaches the certificate.

        Returns
        -------
        self : CoresetCompressor
            Fitted. Where an error is raised it is as it was before.

        Raises
        ------
        ValueError
            If a parameter is out of its range, plays no part, or excludes another;
            `estimator` is not an MLP, or ends in none; it is not fitted and there is no
            `y`; `y` has a
            class that a fitted one does not know; there are too few rows for `delta`;
            X has NaN, infinity or another number or order of features; or the weights
            or the output of the network are not finite. The message names the
            parameter and its value.

        sklearn.exceptions.NotFittedError
            If `estimator` is frozen and not fitted (a subclass of ValueError).

        Warns
        -----
        UserWarning
            If no network on the path can be promised, and the network is left as it
            was; `density` cannot be had from the method; the theorem keeps rows whole;
            on the held-out rows the compressed network is constant, no longer predicts
            a class that the original predicts, or no longer ranks the rows by their
            probability as the original does; or a fitted network predicts `y` no better
            than a constant does.

        Notes
        -----
        Ctrl-C leaves the estimator as it was. While scikit-learn trains a network that
        is not fitted, the first one ends that training only, with a warning, as it does
        for the network alone: what was trained so far is then compressed.
        """
        rng = check_random_state(self.random_state)
        estimator = self._unwrapped()
        check_estimator(self.estimator if self.estimator is not None else estimator)
        if sample_weight is not None and not is_fitted(estimator):
            fit_params["sample_weight"] = sample_weight
        fit_params = self._route_fit_params(estimator, fit_params)
        X, y = self._check_rows(estimator, X, y)
        plan = self._plan(estimator, y, X_val)
        if is_fitted(estimator):
            estimator = numbered(estimator, y)
            if X_val is None:
                warn_if_training_rows(estimator, X, y)
        watch, all_y = watch_fit(self, X=X, y=y), y
        trained = not is_fitted(estimator)
        X, y, X_val, fit_params = self._hold_out(
            X, y, X_val, fit_params, plan, rng, trained
        )
        if trained:
            warn_if_class_is_held_out(last_step(estimator), all_y, y)
            estimator = train_copy(estimator, X, y, fit_params, rng)
        X, y = self._calibration_rows(X, y, plan, rng)
        if not trained and y is not None:
            warn_if_not_trained_on(estimator, X, y)
        network, X, val_inputs = self._inputs(estimator, X, X_val)

        def fitted(compressed):
            return self._fitted_attributes(estimator, network, compressed)

        plan = replace(
            plan,
            classes=getattr(last_step(estimator), "classes_", None),
            seed=tuple(rng.randint(2**31, size=4).tolist()),
        )
        check_size(network, num_samples(X), plan)
        result = compress(
            network,
            X,
            val_inputs,
            plan,
            watch=lambda compressed: watch.network(partial(fitted, compressed)),
        )
        certificate = result.certificate
        if X_val is not None:
            certificate = certificate.for_rows(X_val)
        attributes = fitted(result.network) | {
            "certificate_": certificate,
            "path_": result.path,
        }
        watch.end(attributes)
        # In one step and after all that can fail: never half fitted.
        self.__dict__ = _unfitted_state(self) | attributes
        return self

    def _unwrapped(self):
        """The MLP, or the Pipeline that ends in one, as the user gave it."""
        return MLPClassifier() if self.estimator is None else thawed(self.estimator)

    def _plan(self, estimator, y, X_val):
        """How the network is to be compressed, checked."""
        mlp = last_step(estimator)
        classifier = is_classifier(mlp)
        target = target_of(
            self.error,
            self.epsilon,
            self.delta,
            self.confidence,
            self.density,
            classifier=classifier,
            guarantee=self.guarantee,
        )
        plan = Plan(
            self.method,
            target,
            guarantee=self.guarantee,
            density=self.density,
            bits=self.bits,
            refine=self.refine,
            prune_neurons=self.prune_neurons,
            memory=self.memory,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        plan.check(
            classifier=classifier,
            multilabel=predicts_labels(mlp, y),
            activation=mlp.activation,
            n_hidden_layers=n_hidden_layers(mlp),
            has_X_val=X_val is not None,
        )
        return plan

    def _route_fit_params(self, estimator, fit_params):
        """Metadata for the training, which a fitted network would refuse as well."""
        if routing_enabled():
            return process_routing(self, "fit", **fit_params).estimator.fit
        for name in fit_params:
            if not takes_in_fit(estimator, name):
                raise TypeError(
                    f"{type(self).__name__}.fit() got an unexpected keyword argument "
                    f"{name!r}: it is not X_val, and the fit of `estimator` does not "
                    "take it."
                )
        return fit_params

    def _check_rows(self, estimator, X, y):
        """Validate what can be validated before anything is trained."""
        fitted = is_fitted(estimator)
        if not fitted and y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None: its network is not fitted and has to be trained."
                " Pass y, or a fitted MLPClassifier or MLPRegressor as `estimator`."
            )
        if fitted or isinstance(estimator, Pipeline):
            if not isinstance(estimator, Pipeline):
                inputs_of(estimator, X, self)
                X = X.tocsr() if hasattr(X, "tocsr") else X
            if y is not None:
                check_consistent_length(X, y)
            return X, y
        checked = copy(self)
        X_checked, y = validate_data(
            checked,
            X,
            y,
            accept_sparse=SPARSE_FORMATS,
            dtype=DTYPES,
            multi_output=True,
        )
        # the names of its columns are for the network, too
        return X if hasattr(checked, "feature_names_in_") else X_checked, y

    def _hold_out(self, X, y, X_val, fit_params, plan, rng, trained):
        """Set rows apart that neither the network nor its compression will see."""
        if not plan.holds_rows_out:
            return X, y, None, fit_params
        check_n_held_out = partial(check_n_rows, plan.target)
        if plan.density is not None:
            check_n_held_out = _any_number_of_rows
        if X_val is not None:
            check_n_held_out(num_samples(X_val), "X_val has")
            return X, y, X_val, fit_params
        n_samples = num_samples(X)
        if n_samples < 2:
            raise ValueError(
                f"n_samples={n_samples} cannot be divided into rows to calibrate on "
                "and held-out rows: give more rows, or X_val."
            )
        # and one row, at the least, to calibrate on
        n_validation = min(ceil(self.validation_fraction * n_samples), n_samples - 1)
        which = (
            f"validation_fraction={self.validation_fraction!r} of n_samples="
            f"{n_samples} makes"
        )
        check_n_held_out(n_validation, which)
        # Not stratified: held-out rows with the class counts of the others would not
        # be exchangeable with a fresh row.
        kept, held_out = train_test_split(
            np.arange(n_samples), test_size=n_validation, random_state=rng
        )
        if not trained:
            # before any row is copied: X may be larger than the memory
            kept = self._calibration_numbers(kept, plan, rng)
        return (
            safe_indexing(X, kept),
            None if y is None else safe_indexing(y, kept),
            safe_indexing(X, held_out),
            check_method_params(X, fit_params, indices=kept),
        )

    def _calibration_rows(self, X, y, plan, rng):
        """All rows or, if weights are trained, as many as improve the result."""
        n_samples = num_samples(X)
        numbers = self._calibration_numbers(np.arange(n_samples), plan, rng)
        if len(numbers) == n_samples:
            return X, y
        return (
            safe_indexing(X, numbers),
            None if y is None else safe_indexing(y, numbers),
        )

    def _calibration_numbers(self, numbers, plan, rng):
        """Those of some row numbers that are calibrated on."""
        if not plan.trains or len(numbers) <= N_CALIBRATION:
            return numbers
        if self.verbose:
            print(
                f"[skcoreset] {N_CALIBRATION} of {len(numbers)} rows to calibrate on, "
                "drawn at random"
            )
        return numbers[np.sort(rng.permutation(len(numbers))[:N_CALIBRATION])]

    def _inputs(self, estimator, X, X_val):
        """The original as a Network, and what enters it of both sets of rows."""
        network = network_of(estimator).to_dense()
        if network.n_edges == 0:
            raise ValueError(
                "estimator has no weight other than 0: there is nothing to compress."
            )
        X = fastest(network.cast(inputs_of(estimator, X, self)))
        check_finite_output(network, X)
        if X_val is not None:
            try:
                X_val = network.cast(inputs_of(estimator, X_val, self))
                check_finite_output(network, X_val)
            except (TypeError, ValueError) as error:
                raise ValueError(f"X_val, the held-out rows: {error}") from error
        return network, X, X_val

    def _fitted_attributes(self, estimator, network, compressed):
        """What `fit` sets for a compressed network."""
        small = with_network(estimator, compressed)
        attributes = {
            "estimator_": small,
            "original_estimator_": estimator,
            "density_": float(compressed.n_edges / network.n_edges),
            "n_parameters_": int(compressed.n_edges + sum(compressed.widths)),
            "n_features_in_": getattr(
                estimator, "n_features_in_", network.coefs[0].shape[0]
            ),
            "_network": network_of(small, copy=True),
        }
        for name in ("classes_", "feature_names_in_"):
            if hasattr(estimator, name):
                attributes[name] = getattr(estimator, name)
        return attributes

    # Predicting

    def transform(self, X):
        """Return the compressed network's output before the output activation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs), dtype of the network
            Logits of a classifier; a regressor's predictions (their logarithm where
            the loss is Poisson).
        """
        return self._forward(X)

    def predict(self, X):
        """Predict with the compressed network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes or values, as the wrapped estimator predicts them.
        """
        outputs = self._outputs(X)
        return decode_outputs(last_step(self.estimator_), outputs)

    @available_if(_wrapped_has("predict_proba"))
    def predict_proba(self, X):
        """Class probabilities of the compressed network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return class_probabilities(self._outputs(X))

    @available_if(_wrapped_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Logarithms of the class probabilities of the compressed network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return np.log(self.predict_proba(X))

    def score(self, X, y=None, **score_params):
        """Accuracy, or R2, of the compressed network, as the wrapped estimator has it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True classes or values. They are needed; only a search without labels
            leaves them out.

        **score_params : dict
            Metadata of the score, such as `sample_weight`.

        Returns
        -------
        score : float
            Mean accuracy of a classifier, R2 of a regressor.

        Raises
        ------
        TypeError
            If there is no `y`.
        """
        check_is_fitted(self)
        if y is None:
            raise TypeError(
                "score needs y. A search without labels takes a scorer that compares "
                "with the original: scoring=skcoreset.model_selection.neg_error_score, "
                "or fidelity_score for a classifier."
            )
        if routing_enabled():
            score_params = process_routing(self, "score", **score_params)
            score_params = score_params.estimator.score
        is_class = is_classifier(last_step(self.estimator_))
        mixin = ClassifierMixin if is_class else RegressorMixin
        return mixin.score(self, X, y, **score_params)

    @one_blas_thread
    def fine_tune(self, X, y, *, sample_weight=None, n_epochs=None, augment=None):
        """Train the kept edges further, with labels.

        Adam on the network's own loss and L2 penalty `alpha`, with its own batch size.
        The edges stay the same, `bits` is kept, and `estimator_` is replaced. The
        network then follows the labels and no longer the original: `certificate_`
        promises nothing any more.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, of what the wrapped estimator takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes or values.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        n_epochs : int, default=None
            Passes over the rows. None is 15, or as many as make 2,000 steps. With
            `bits` as many again train through the rounding.

        augment : callable, default=None
            Called as ``augment(X_batch, rng)`` with the rows of every batch, as they
            are in `X` (before the steps of a Pipeline), and a
            :class:`numpy.random.Generator`. Returns rows of the same shape, with the
            same labels: shifted images, say, or rows with noise.

        Returns
        -------
        self : CoresetCompressor

        Raises
        ------
        ValueError
            If `y` has a class that the network was not trained on, or the wrong shape;
            weights of rows are negative, or all 0; `augment` returns another shape; or
            X or y are so large that the training overflows.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.neural_network import MLPClassifier
        >>> from skcoreset import CoresetCompressor
        >>> X, y = load_iris(return_X_y=True)
        >>> mlp = MLPClassifier(solver="lbfgs", max_iter=500, random_state=0).fit(X, y)
        >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X)
        >>> compressor.fine_tune(X, y).score(X, y) > 0.9
        True
        >>> compressor.certificate_.holds
        False
        """
        check_is_fitted(self)
        validate_parameter_constraints(
            {
                "y": ["array-like", "sparse matrix"],
                "n_epochs": [None, Interval(Integral, 1, None, closed="left")],
                "augment": [None, callable],
            },
            {"y": y, "n_epochs": n_epochs, "augment": augment},
            caller_name="fine_tune",
        )
        mlp, network = last_step(self.estimator_), self._compressed_network()
        given = X
        X = fastest(network.cast(inputs_of(self.estimator_, X, self)))
        check_consistent_length(X, y)
        check_finite_output(network, X)
        if sample_weight is not None:
            if not np.any(sample_weight):
                raise ValueError("sample_weight is 0 for every row: no row is left.")
            sample_weight = check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        rng = check_random_state(self.random_state)
        seed = rng.randint(2**31, size=4)
        augmented = None
        if augment is not None:
            augmented = AugmentedRows(self.estimator_, given, augment, seed)
        tuned = fine_tune(
            network,
            X,
            encode_targets(mlp, y),
            alpha=mlp.alpha,
            batch_size=mlp.batch_size,
            sample_weight=sample_weight,
            augmented=augmented,
            n_epochs=n_epochs,
            bits=self.bits,
            rng=np.random.default_rng(seed),
        )
        estimator = with_network(self.estimator_, tuned)
        self.__dict__ = vars(self) | {
            "estimator_": estimator,
            "certificate_": self.certificate_.revoked(),
            "_network": network_of(estimator, copy=True),
        }
        return self

    def to_dense(self):
        """Return the compressed network as a plain dense estimator.

        Returns
        -------
        estimator : MLPClassifier, MLPRegressor or Pipeline
            `estimator_` with ndarrays, zeros included, as `coefs_`. Faster than
            `estimator_` in plain scikit-learn where the density is above about a tenth.
        """
        check_is_fitted(self)
        return with_network(self.estimator_, self._compressed_network(), to_dense=True)

    def to_sparse(self):
        """Return the compressed network alone, small to keep and fast to predict.

        Returns
        -------
        estimator : SparseMLPClassifier, SparseMLPRegressor or Pipeline
            As small as `estimator_`, and as fast as this compressor, of which it holds
            neither the original nor the certificate. To load it takes this package.
        """
        check_is_fitted(self)
        return to_sparse(self.estimator_)

    def get_support(self, indices=False, *, columns=False):
        """Tell which features the compressed network still reads.

        The others make no difference to its predictions and need not be measured any
        more; 0 will do in their place.

        Parameters
        ----------
        indices : bool, default=False
            Whether to return numbers of features in place of a mask.

        columns : bool, default=False
            Of a compressed Pipeline: whether to tell this of the columns of X, in place
            of the features that come out of the step before the network. A column is
            read if any feature made of it is; steps other than scalers, encoders,
            imputers and selections of features are taken to read all their columns. In
            place of a column that is not read, any valid value will do.

        Returns
        -------
        support : ndarray of shape (n_features,), or (n_features_read,) with `indices`
            Of the features that the network gets, or of the columns of X.

        Raises
        ------
        ValueError
            With `columns`, if the first step of the Pipeline takes no columns.

        Examples
        --------
        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.neural_network import MLPClassifier
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> from skcoreset import CoresetCompressor
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> mlp = MLPClassifier((20,), max_iter=500, random_state=0)
        >>> pipeline = make_pipeline(StandardScaler(), mlp).fit(X[:300], y[:300])
        >>> compressor = CoresetCompressor(pipeline, density=0.05, random_state=0)
        >>> support = compressor.fit(X[300:]).get_support()
        >>> support.shape, bool(support.all())
        ((30,), False)
        """
        check_is_fitted(self)
        support = live_neurons(self._compressed_network().to_dense().coefs)[0]
        if columns:
            support = columns_read(self.estimator_, support)
        return np.flatnonzero(support) if indices else support

    @property
    def coefs_(self):
        """Sparse weight matrices of the compressed network."""
        return last_step(self.estimator_).coefs_

    @property
    def intercepts_(self):
        """Intercepts of the compressed network."""
        return last_step(self.estimator_).intercepts_

    @property
    def _n_features_out(self):
        return len(self.intercepts_[-1])

    def _compressed_network(self):
        """The compressed network, ready to multiply; not part of what is saved."""
        if "_network" not in vars(self):
            check_is_fitted(self)
            self._network = network_of(self.estimator_, copy=True)
        return self._network

    def _forward(self, X):
        network = self._compressed_network()
        F = network.forward(inputs_of(self.estimator_, X))
        check_is_finite(F, network)
        return F

    def _outputs(self, X):
        return self._compressed_network().activate_output(self._forward(X))

    # What scikit-learn asks of a meta-estimator

    def get_params(self, deep=True):
        """Get parameters of this estimator, and of a network that is not fitted.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of the network are included, as ``estimator__<name>``. A
            fitted network's cannot be set, and never are.

        Returns
        -------
        params : dict
        """
        return super().get_params(deep=deep and not is_fitted(self.estimator))

    def set_params(self, **params):
        """Set parameters of this estimator, or of a network that is not fitted.

        Parameters
        ----------
        **params : dict
            Parameters; ``estimator__<name>`` reaches into the network.

        Returns
        -------
        self : CoresetCompressor

        Raises
        ------
        ValueError
            If parameters of a fitted network are to be set, which would not change it.
        """
        inner = [name for name in params if name.startswith("estimator__")]
        estimator = params.get("estimator", self.estimator)
        if inner and is_fitted(estimator):
            raise ValueError(
                f"{inner[0]!r} cannot be set: `estimator` is fitted, and is compressed "
                "as it is and never retrained."
            )
        return super().set_params(**params)

    def get_metadata_routing(self):
        """Return the metadata routing of this estimator.

        Returns
        -------
        router : MetadataRouter
            `X_val` is this estimator's own; the rest goes to the wrapped one's `fit`
            and `score`.
        """
        mapping = MethodMapping()
        for method in ("fit", "score"):
            mapping.add(caller=method, callee=method)
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self._unwrapped(), method_mapping=mapping)
        )

    def __sklearn_clone__(self):
        # scikit-learn's own clone, to which a fitted network is frozen
        template = copy(self)
        fitted = is_fitted(self.estimator)
        if fitted:
            template.estimator = FrozenEstimator(self.estimator)
        cloned = clone_parametrized(template)
        if fitted:
            cloned.estimator = self.estimator
        return cloned

    def _repr_html_inner(self):
        return super()._repr_html_inner() + self._html_summary()

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += self._html_summary()
        return bundle

    def _html_summary(self):
        """Density, path and certificate, below scikit-learn's diagram."""
        if not self.__sklearn_is_fitted__():
            return ""
        chose = self.density is None and self.certificate_.guarantee is not None
        return html_summary(
            self.density_,
            last_step(self.original_estimator_).coefs_,
            self.coefs_,
            self.certificate_,
            self.path_ if chose else None,
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        estimator = self._unwrapped()
        inner = get_tags(estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        tags.target_tags.required = not is_fitted(estimator)
        tags.transformer_tags = TransformerTags()
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_network"}


def _any_number_of_rows(n_rows, which):
    """With a density nothing is targeted: however few rows there are."""


def _unfitted_state(estimator):
    """Attributes of an estimator that are not from an earlier fit."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name != "_network" and (name.startswith("_") or not name.endswith("_"))
    }
