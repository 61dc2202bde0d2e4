"""CoresetCompressor: the estimator around a method and a guarantee."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import closing
from copy import copy
from functools import partial
from html import escape
from inspect import Parameter, signature
from math import ceil
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    RegressorMixin,
    TransformerMixin,
    _clone_parametrized,
    _fit_context,
    clone,
    is_classifier,
)
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import (
    TransformerTags,
    _safe_indexing,
    check_consistent_length,
    check_random_state,
    get_tags,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_method_params,
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
    validate_data,
)

from . import _errors
from ._callbacks import CallbackSupportMixin, with_callbacks
from ._fine_tune import encode_targets
from ._guarantee import (
    ERRORS,
    Validation,
    n_missing_rows,
    path_densities,
    theoretical_result,
)
from ._methods import METHODS, CoreNet, remove_neurons, theorem_of
from ._network import ACTIVATIONS, DTYPES, SPARSE_FORMATS, Network, _dense
from ._parallel import one_blas_thread, threads
from ._training import fine_tune


def _wrapped_has(attribute):
    """Whether the wrapped network has a method."""

    def check(self):
        getattr(_last_step(vars(self).get("estimator_", self._unwrapped())), attribute)
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
    networks. A guarantee picks the sparsest network of the path of which, for a fresh
    row `x`, ``P(error(f_hat(x), f(x)) > epsilon) <= delta`` can be said. `f` is the
    output of the network before the output activation.

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

    method : {"refined", "corenet", "corenet+", "corenet++", "uniform", "l1", "l2", \
            "l1+l2", "magnitude", "sipp"}, default="refined"
        How edges are chosen.

        - "refined": by their importance to the output; the kept ones are trained to
          give the original outputs on the calibration rows. Needs no labels.
        - "corenet": drawn by empirical sensitivity [1]_; "corenet+" removes neurons
          as well, and "corenet++" takes the best of many draws.
        - "uniform", "l1", "l2", "l1+l2": drawn uniformly, or by the magnitude or the
          square of the weight, or both, blind to the data.
        - "magnitude": the largest weights of the whole network.
        - "sipp": the largest mean relative importance [2]_.

    epsilon : float, default=0.1
        Largest error allowed, positive. It has no unit: errors are relative. Plays no
        part with ``error="prediction"`` or with a `density`.

    delta : float, default=0.1
        Probability, between 0 and 1, with which a fresh row may exceed `epsilon`. It
        needs at least ``1 / delta - 1`` held-out rows.

    guarantee : {"conformal", "theoretical"}, default="conformal"
        "conformal" chooses by held-out rows (conformal risk control [3]_). It makes no
        assumption on the network, on its weights or on the distribution of the rows.
        "theoretical" takes the sample sizes of the theorem of CoreNet [1]_ and holds no
        rows out; it goes with the "corenet" methods only, and leaves networks of usual
        size uncompressed.

    error : {"relative", "entrywise", "prediction"}, default="relative"
        Error of a row. "relative" is ``||f_hat - f||_2 / ||f||_2``; "entrywise" the
        largest ``|f_hat_k - f_k| / |f_k|`` over the outputs `k`; "prediction" is 1
        where the predicted class, or set of labels, changes, so that at most a share
        `delta` of the predictions changes. Regressors do not have the last.

    density : float, default=None
        Share of the original network's edges to keep, in (0, 1]. Then `epsilon` is not
        targeted; `certificate_` has the one that was reached. None targets `epsilon`.

    refine : bool, default=None
        Whether the kept edges are given the weights that reproduce the original best
        on the calibration rows. None is the rule of the method: yes for "refined", no
        for the others.

    prune_neurons : bool, default=None
        Whether hidden neurons that do nothing on the calibration rows are removed. None
        is the rule of the method: yes for "refined", "corenet+" and "corenet++", no for
        the others.

    validation_fraction : float, default=0.3
        Share of the rows of X that is held out for the certificate, in (0, 1). Not used
        with `X_val` or with ``guarantee="theoretical"``.

    n_jobs : int, default=None
        Number of jobs of joblib. None is 1 unless in a
        :func:`joblib.parallel_config` context, -1 is all processors. The result does
        not depend on it.

    random_state : int, RandomState instance or None, default=None
        Holds rows out, draws edges and shuffles rows, and seeds a network that is
        trained and has no `random_state` of its own. Pass an int for results that can
        be repeated.

    verbose : int, default=0
        Above 0, a line is printed for each network of the path.

    Attributes
    ----------
    estimator_ : MLPClassifier, MLPRegressor or Pipeline
        The compressed network, of the class of the original. It predicts without this
        package. Its `coefs_` are of type :class:`scipy.sparse.csr_array` and it carries
        nothing that only training needs. Change a copy of it: predictions of the
        compressor need not follow.

    original_estimator_ : MLPClassifier, MLPRegressor or Pipeline
        The network that was compressed: `estimator` itself where it was fitted.

    coefs_ : list of csr_array of shape (n_in, n_out)
        Weight matrices of the compressed network.

    intercepts_ : list of ndarray of shape (n_out,)
        Intercepts of the compressed network.

    density_ : float
        Share of the original network's edges (weights that are not 0) that was kept.

    n_parameters_ : int
        Number of edges and intercepts of the compressed network.

    certificate_ : Certificate
        What is promised, and on what it rests: `epsilon`, `delta`, `guarantee`,
        `error`, `holds`, `n_validation`, `quantiles`, `share_over_epsilon` and
        `upper_bound`. Printing it gives a sentence.

    path_ : dict of str to ndarray of shape (n_networks,)
        The networks that were looked at, the original first: `density`; `error_q50`,
        `error_q90` and `error_q99`, quantiles of the error on the held-out rows;
        `share_over_epsilon`; `upper_bound`, the bound that is compared with `delta`,
        which counts a row once it was over `epsilon` anywhere before; and `chosen`,
        which is True for one of them. Without held-out rows all but `density` and
        `chosen` are NaN.

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
    skcoreset.model_selection.fidelity_score : Agreement with the original network.
    skcoreset.model_selection.SparsestWithin : The sparsest good candidate of a search.
    skcoreset.bounds.occam_bound : Generalization bound of the compressed network.
    sklearn.frozen.FrozenEstimator : For networks that are values of a parameter grid.

    Notes
    -----
    The probability of the conformal guarantee is over the held-out rows and the fresh
    row together. It asks that they are exchangeable: the network must not have been
    trained on the held-out rows, and fresh rows must come from the same distribution. A
    certificate that was picked as the best of several on the same rows no longer holds
    at its `delta`. See :ref:`guarantees`.

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
    >>> compressor = CoresetCompressor(mlp, epsilon=0.2, random_state=0).fit(X_new)
    >>> print(compressor.certificate_)
    With probability at least 0.9 the relative error (2-norm) of a fresh row is at most
    0.2. This rests on 270 held-out rows, of which ... are over (conformal risk control;
    upper bound 0.0...).
    >>> print(compressor.density_ < 0.2)
    True
    >>> compressor.score(X_new, y_new) > mlp.score(X_new, y_new) - 0.05
    True

    The sparse network also comes as a plain scikit-learn estimator.

    >>> compressor.estimator_.coefs_[0].shape
    (64, ...)
    """

    _parameter_constraints: dict = {
        "estimator": [None, HasMethods(["fit", "predict"])],
        "method": [StrOptions(set(METHODS))],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "guarantee": [StrOptions({"conformal", "theoretical"})],
        "error": [StrOptions(set(ERRORS))],
        "density": [None, Interval(Real, 0, 1, closed="right")],
        "refine": [None, "boolean"],
        "prune_neurons": [None, "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
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
        epsilon=0.1,
        delta=0.1,
        guarantee="conformal",
        error="relative",
        density=None,
        refine=None,
        prune_neurons=None,
        validation_fraction=0.3,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimator = estimator
        self.method = method
        self.epsilon = epsilon
        self.delta = delta
        self.guarantee = guarantee
        self.error = error
        self.density = density
        self.refine = refine
        self.prune_neurons = prune_neurons
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=False)
    @one_blas_thread
    def fit(self, X, y=None, *, X_val=None, **fit_params):
        """Compress the network.

        It is trained first if it is not fitted.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Calibration rows, of what the wrapped estimator takes. Labels are not
            needed for them. A fitted Pipeline gets X unvalidated. A share
            `validation_fraction` of the rows is held out for the certificate; a fitted
            network must not have been trained on these.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Classes or values. Used only to train a network that is not fitted.

        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Held-out rows, where they are not to be a random part of X: later rows, say,
            or those of other groups. Then all of X is calibrated on.

        **fit_params : dict
            Metadata, such as `sample_weight`, for the `fit` of a network that is not
            fitted. None of it reaches the certificate.

        Returns
        -------
        self : CoresetCompressor
            Fitted. Where an error is raised it is as it was before.

        Raises
        ------
        ValueError
            If a parameter is out of its range or excludes another; `estimator` is not
            an MLP, or ends in none; it is not fitted and there is no `y`; there are too
            few rows for `delta`; X has NaN, infinity or another number or order of
            features; or the weights or the output of the network are not finite. The
            message names the parameter and its value.

        sklearn.exceptions.NotFittedError
            If `estimator` is frozen and not fitted (a subclass of ValueError).

        Warns
        -----
        UserWarning
            If no network on the path can be promised, and the network is left as it
            was; `density` cannot be had from the method; or the theorem keeps rows
            whole.

        Notes
        -----
        Ctrl-C leaves the estimator as it was. While scikit-learn trains a network that
        is not fitted, the first one ends that training only, with a warning, as it does
        for the network alone: what was trained so far is then compressed.
        """
        rng = check_random_state(self.random_state)
        estimator = self._unwrapped()
        self._check_options(estimator, X_val)
        fit_params = self._route_fit_params(estimator, fit_params)
        rows, y = self._check_rows(estimator, X, y)
        context = self._init_callback_context(max_subtasks=None)
        data = {"estimator": self, "X": rows, "y": y}
        context.call_on_fit_task_begin(**data)
        X, y, X_val, fit_params = self._hold_out(rows, y, X_val, fit_params, rng)
        if not _is_fitted(estimator):
            estimator = self._train(estimator, X, y, fit_params, rng)

        network = Network.from_estimator(_last_step(estimator)).to_dense()
        if network.n_edges == 0:
            raise ValueError(
                "estimator has no weight other than 0: there is nothing to compress."
            )
        X = _dense(network.cast(self._inputs(estimator, X)))
        _check_finite_output(network, X)
        generator = np.random.default_rng(rng.randint(2**31, size=4))

        def fitted(compressed):
            return self._fitted_attributes(estimator, network, compressed)

        def observed(path):
            for compressed in path:
                task = context.subcontext(task_name="network")
                task.call_on_fit_task_begin(**data)
                end = partial(
                    task.call_on_fit_task_end,
                    **data,
                    reconstruction_attributes=partial(fitted, compressed),
                )
                try:
                    yield compressed
                except GeneratorExit:  # the path is left here
                    end()
                    raise
                if end():
                    return

        if self.guarantee == "theoretical":
            result = self._compress_by_theorem(network, X, generator)
        else:
            try:
                X_val = network.cast(self._inputs(estimator, X_val))
                _check_finite_output(network, X_val)
            except (TypeError, ValueError) as error:
                raise ValueError(f"X_val, the held-out rows: {error}") from error
            result = self._compress(network, X, X_val, generator, observed)
        compressed, certificate, path = result
        attributes = fitted(compressed) | {"certificate_": certificate, "path_": path}
        context.call_on_fit_task_end(**data, reconstruction_attributes=attributes)
        # In one step and after all that can fail: never half fitted.
        self.__dict__ = _unfitted_state(self) | attributes
        return self

    def _fitted_attributes(self, estimator, network, compressed):
        """What `fit` sets for a compressed network."""
        mlp = compressed.to_estimator(_last_step(estimator))
        attributes = {
            "estimator_": _with_last_step(estimator, mlp),
            "original_estimator_": estimator,
            "density_": float(compressed.n_edges / network.n_edges),
            "n_parameters_": int(compressed.n_edges + sum(compressed.widths)),
            "n_features_in_": getattr(
                estimator, "n_features_in_", network.coefs[0].shape[0]
            ),
            "_network": Network.from_estimator(mlp),
        }
        for name in ("classes_", "feature_names_in_"):
            if hasattr(estimator, name):
                attributes[name] = getattr(estimator, name)
        return attributes

    def _unwrapped(self):
        """The MLP, or the Pipeline that ends in one, as the user gave it."""
        return MLPClassifier() if self.estimator is None else _thawed(self.estimator)

    def _check_options(self, estimator, X_val):
        """Refuse an estimator that is no MLP, and options that exclude each other."""
        mlp = _last_step(estimator)
        _check_is_mlp(mlp)
        if isinstance(self.estimator, FrozenEstimator) and not _is_fitted(estimator):
            raise NotFittedError(
                f"estimator={self.estimator!r} is frozen and not fitted: fit the "
                "network before freezing it."
            )
        if _is_fitted(estimator):
            Network.from_estimator(mlp)
            if is_classifier(mlp) and not hasattr(mlp, "_label_binarizer"):
                raise ValueError(
                    f"estimator is a {type(mlp).__name__} without _label_binarizer, "
                    "which predicts no classes: it was not fitted whole. A network "
                    "made of given weights has it from a partial_fit on a few rows."
                )
        elif mlp.activation not in list(ACTIVATIONS):  # it may have no hash
            raise InvalidParameterError(
                f"estimator has activation={mlp.activation!r}; only "
                f"{sorted(ACTIVATIONS)} can be compressed."
            )
        if self.error == "prediction" and not is_classifier(mlp):
            raise InvalidParameterError(
                "error='prediction' asks whether the predicted class changes, and "
                f"{type(mlp).__name__} predicts none: use 'relative' or 'entrywise'."
            )
        if self.guarantee == "theoretical":
            self._check_theoretical_options(mlp, X_val)

    def _check_theoretical_options(self, mlp, X_val):
        conflicts = {
            f"method={self.method!r}": not isinstance(METHODS[self.method], CoreNet),
            f"density={self.density!r}": self.density is not None,
            f"error={self.error!r}": self.error == "prediction",
            "refine=True": bool(self.refine),
            "X_val": X_val is not None,
            f"an estimator of activation={mlp.activation!r}": mlp.activation
            == "logistic",
        }
        for conflict, present in conflicts.items():
            if present:
                raise InvalidParameterError(
                    f"guarantee='theoretical' does not go with {conflict}: the theorem "
                    "bounds the relative error of plain CoreNet ('corenet', 'corenet+' "
                    "or 'corenet++') with ReLU, tanh or identity activations, from its "
                    "own sample sizes and without held-out rows. "
                    "guarantee='conformal' covers all the rest."
                )

    def _check_rows(self, estimator, X, y):
        """Validate what can be validated before anything is trained."""
        if not _is_fitted(estimator) and y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None: its network is not fitted and has to be trained."
                " Pass y, or a fitted MLPClassifier or MLPRegressor as `estimator`."
            )
        if isinstance(estimator, Pipeline):
            if y is not None:
                check_consistent_length(X, y)
        elif _is_fitted(estimator):
            self._inputs(estimator, X)
            X = X.tocsr() if sparse.issparse(X) else X
            if y is not None:
                check_consistent_length(X, y)
        else:
            X, y = validate_data(
                copy(self),
                X,
                y,
                accept_sparse=SPARSE_FORMATS,
                dtype=DTYPES,
                multi_output=True,
            )
        return X, y

    def _hold_out(self, X, y, X_val, fit_params, rng):
        """Set rows apart that neither the network nor its compression will see."""
        if self.guarantee == "theoretical":
            return X, y, None, fit_params
        if X_val is not None:
            self._check_n_validation(_num_samples(X_val), "X_val has")
            return X, y, X_val, fit_params
        n_samples = _num_samples(X)
        if n_samples < 2:
            raise ValueError(
                f"n_samples={n_samples} cannot be divided into rows to calibrate on "
                "and held-out rows: give more rows, or X_val."
            )
        # and one row, at the least, to calibrate on
        n_validation = min(ceil(self.validation_fraction * n_samples), n_samples - 1)
        self._check_n_validation(
            n_validation,
            f"validation_fraction={self.validation_fraction!r} of n_samples="
            f"{n_samples} makes",
        )
        stratify = None
        estimator = self._unwrapped()
        trains_classes = is_classifier(estimator) and not _is_fitted(estimator)
        if trains_classes and not sparse.issparse(y):
            classes = np.asarray(y).reshape(n_samples, -1)
            stratify = classes if classes.shape[1] == 1 else None
        rows = np.arange(n_samples)
        try:
            kept, held_out = train_test_split(
                rows, test_size=n_validation, random_state=rng, stratify=stratify
            )
        except ValueError:
            # a class with too few rows to be in both parts
            kept, held_out = train_test_split(
                rows, test_size=n_validation, random_state=rng
            )
        return (
            _safe_indexing(X, kept),
            None if y is None else _safe_indexing(y, kept),
            _safe_indexing(X, held_out),
            _check_method_params(X, fit_params, indices=kept),
        )

    def _check_n_validation(self, n_validation, which):
        missing = n_missing_rows(n_validation, self.delta)
        if self.density is None and missing:
            raise ValueError(
                f"delta={self.delta!r} can be promised on at least 1 / delta - 1 = "
                f"{n_validation + missing:.6g} held-out rows and {which} "
                f"{n_validation}: {missing:.6g} are missing. Give more rows, a larger "
                "validation_fraction or a larger delta."
            )

    def _train(self, estimator, X, y, fit_params, rng):
        """Train a copy of an unfitted estimator, reproducibly."""
        estimator = clone(estimator)
        seeds = {
            name: rng.randint(np.iinfo(np.int32).max)
            for name, value in sorted(estimator.get_params().items())
            if value is None and name.split("__")[-1] == "random_state"
        }
        estimator.set_params(**seeds)
        estimator.fit(X, y, **fit_params)
        return estimator

    def _route_fit_params(self, estimator, fit_params):
        """Metadata for the training, which a fitted network would refuse as well."""
        if _routing_enabled():
            return process_routing(self, "fit", **fit_params).estimator.fit
        for name in fit_params:
            if not _takes_in_fit(estimator, name):
                raise TypeError(
                    f"{type(self).__name__}.fit() got an unexpected keyword argument "
                    f"{name!r}: it is not X_val, and the fit of `estimator` does not "
                    "take it."
                )
        return fit_params

    def _inputs(self, estimator, X):
        """Validate X and return what the MLP of a fitted estimator gets of it."""
        estimator = _thawed(estimator)
        if isinstance(estimator, Pipeline):
            if len(estimator) > 1:
                X = estimator[:-1].transform(X)
            return self._inputs(estimator.steps[-1][1], X)
        checker = self
        if estimator is not vars(self).get("estimator_"):
            checker = copy(self)
            vars(checker).pop("feature_names_in_", None)
            checker.n_features_in_ = estimator.coefs_[0].shape[0]
            if hasattr(estimator, "feature_names_in_"):
                checker.feature_names_in_ = estimator.feature_names_in_
        return validate_data(
            checker, X, reset=False, accept_sparse=SPARSE_FORMATS, dtype=DTYPES
        )

    def _compress(self, network, X, X_val, generator, observed):
        """Walk the path of the method to what may be promised, or to `density`."""
        method = METHODS[self.method]
        refine = method.refines if self.refine is None else self.refine
        prune = (
            method.prunes_neurons if self.prune_neurons is None else self.prune_neurons
        )
        targeted = self.density is None
        if targeted:
            step = method.refined_step if refine else method.step
            densities = path_densities(network.n_edges, step)
        else:
            densities = np.array([self.density])
        path = ()
        if len(densities):
            path = method.path(
                network,
                X,
                densities,
                refine=refine,
                error=_errors.ERRORS[self.error],
                rng=generator,
                n_jobs=self.n_jobs,
            )
        if prune:
            path = (remove_neurons(compressed, X) for compressed in path)
        if not targeted:
            path = self._check_density(path, network, prune)
        with threads(self.n_jobs) as thread_map, closing(observed(path)) as path:
            validation = Validation(
                network,
                X_val,
                error=self.error,
                epsilon=self.epsilon,
                delta=self.delta,
                verbose=self.verbose,
                thread_map=thread_map,
            )
            if not targeted:
                return validation.measure(*path)
            chosen, certificate, trace = validation.choose(path)
        if chosen is network:
            warnings.warn(
                f"No network on the path of method={self.method!r} keeps "
                f"epsilon={self.epsilon!r} at delta={self.delta!r}: the network is "
                "left uncompressed. Allow a larger epsilon or delta, or choose "
                "method='refined'.",
                UserWarning,
            )
        return chosen, certificate, trace

    def _check_density(self, path, network, prune):
        """Say where a method could not keep the share of edges that was asked."""
        reasons = METHODS[self.method].limits
        if prune:
            reasons += " Neurons that are removed take their edges with them."
        for compressed in path:
            kept = compressed.n_edges / network.n_edges
            sampling_error = np.sqrt(self.density * (1 - self.density))
            tolerance = 5 * sampling_error / np.sqrt(network.n_edges)
            tolerance += 1 / network.n_edges + 0.02 * self.density
            if abs(kept - self.density) > tolerance:
                warnings.warn(
                    f"density={self.density!r} cannot be had from "
                    f"method={self.method!r} on this network and these rows; "
                    f"{kept:.4g} was kept. {reasons}",
                    UserWarning,
                )
            yield compressed

    def _compress_by_theorem(self, network, X, generator):
        theorem = theorem_of(network, X, self.delta)
        missing = theorem.n_points - len(X)
        if missing > 0:
            raise ValueError(
                f"guarantee='theoretical' at delta={self.delta!r} needs "
                f"{theorem.n_points} calibration rows and n_samples={len(X)}: {missing}"
                " are missing."
            )
        compressed, sizes, n_edges = METHODS[self.method].theoretical(
            network,
            X,
            epsilon=self.epsilon,
            delta=self.delta,
            rng=generator,
            n_jobs=self.n_jobs,
        )
        whole = (sizes >= n_edges)[n_edges > 0]
        if whole.any():
            warnings.warn(
                f"The theorem asks for {np.median(sizes[n_edges > 0]):.2g} draws where "
                f"a neuron has {np.median(n_edges[n_edges > 0]):.0f} edges of one sign "
                f"(medians): {whole.mean():.0%} of these are kept as they are. Its "
                "constants leave real networks uncompressed; guarantee='conformal' "
                "makes the same promise from held-out rows.",
                UserWarning,
            )
        prune = METHODS[self.method].prunes_neurons
        if prune if self.prune_neurons is None else self.prune_neurons:
            compressed = remove_neurons(compressed, X)
        return compressed, *theoretical_result(
            compressed, network, self.epsilon, self.delta, self.error
        )

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
        mlp = _last_step(self.estimator_)
        if outputs.shape[1] == 1:
            outputs = outputs.ravel()
        if isinstance(mlp, MLPClassifier):
            return mlp._label_binarizer.inverse_transform(outputs)
        return outputs

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
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

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

    def score(self, X, y, **score_params):
        """Accuracy, or R2, of the compressed network, as the wrapped estimator has it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of what the wrapped estimator takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True classes or values.

        **score_params : dict
            Metadata of the score, such as `sample_weight`.

        Returns
        -------
        score : float
            Mean accuracy of a classifier, R2 of a regressor.
        """
        check_is_fitted(self)
        if _routing_enabled():
            score_params = process_routing(self, "score", **score_params)
            score_params = score_params.estimator.score
        is_class = is_classifier(_last_step(self.estimator_))
        mixin = ClassifierMixin if is_class else RegressorMixin
        return mixin.score(self, X, y, **score_params)

    @one_blas_thread
    def fine_tune(self, X, y, *, sample_weight=None, n_epochs=None):
        """Train the kept edges further, with labels.

        Adam on the network's own loss and L2 penalty `alpha`, with its own batch size.
        The edges stay the same and `estimator_` is replaced. The network then follows
        the labels and no longer the original: `certificate_` promises nothing any more.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, of what the wrapped estimator takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes or values.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        n_epochs : int, default=None
            Passes over the rows. None is 15, or as many as make 2,000 steps.

        Returns
        -------
        self : CoresetCompressor

        Raises
        ------
        ValueError
            If `y` has a class that the network was not trained on, or the wrong shape;
            weights of rows are negative, or all 0; or X or y are so large that the
            training overflows.

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
            },
            {"y": y, "n_epochs": n_epochs},
            caller_name="fine_tune",
        )
        mlp = _last_step(self.estimator_)
        network = Network.from_estimator(mlp)
        X = network.cast(self._inputs(self.estimator_, X))
        check_consistent_length(X, y)
        _check_finite_output(network, X)
        if sample_weight is not None:
            if not np.any(sample_weight):
                raise ValueError("sample_weight is 0 for every row: no row is left.")
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
        rng = check_random_state(self.random_state)
        tuned = fine_tune(
            network,
            X,
            encode_targets(mlp, y),
            alpha=mlp.alpha,
            batch_size=mlp.batch_size,
            sample_weight=sample_weight,
            n_epochs=n_epochs,
            rng=np.random.default_rng(rng.randint(2**31, size=4)),
        ).to_estimator(mlp)
        self.__dict__ = vars(self) | {
            "estimator_": _with_last_step(self.estimator_, tuned),
            "certificate_": self.certificate_.revoked(),
            "_network": Network.from_estimator(tuned),
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
        mlp = _last_step(self.estimator_)
        dense = Network.from_estimator(mlp).to_estimator(mlp, dense=True)
        return _with_last_step(self.estimator_, dense)

    @property
    def coefs_(self):
        """Sparse weight matrices of the compressed network."""
        return _last_step(self.estimator_).coefs_

    @property
    def intercepts_(self):
        """Intercepts of the compressed network."""
        return _last_step(self.estimator_).intercepts_

    @property
    def _n_features_out(self):
        return len(self.intercepts_[-1])

    def _compressed_network(self):
        """The compressed network, ready to multiply; not part of what is saved."""
        if "_network" not in vars(self):
            check_is_fitted(self)
            self._network = Network.from_estimator(_last_step(self.estimator_))
        return self._network

    def _original_network(self):
        return Network.from_estimator(_last_step(self.original_estimator_))

    def _forward(self, X):
        network = self._compressed_network()
        F = network.forward(self._inputs(self.estimator_, X))
        _check_is_finite(F, network)
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
        return super().get_params(deep=deep and not _is_fitted(self.estimator))

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
        if inner and _is_fitted(estimator):
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
        fitted = _is_fitted(self.estimator)
        if fitted:
            template.estimator = FrozenEstimator(self.estimator)
        cloned = _clone_parametrized(template)
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
        """Density and certificate, below scikit-learn's diagram."""
        if not self.__sklearn_is_fitted__():
            return ""
        certificate = escape(str(self.certificate_))
        return f"<p><b>{self.density_:.2%} of the edges.</b> {certificate}</p>"

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
        tags.target_tags.required = not _is_fitted(estimator)
        tags.transformer_tags = TransformerTags()
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_network"}


def _thawed(estimator):
    """What is inside a FrozenEstimator."""
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    return estimator


def _last_step(estimator):
    """The MLP itself, where there are steps before it."""
    estimator = _thawed(estimator)
    while isinstance(estimator, Pipeline) and estimator.steps:
        estimator = _thawed(estimator.steps[-1][1])
    return estimator


def _with_last_step(estimator, mlp):
    """The same estimator with another MLP in its last step."""
    if not isinstance(estimator, Pipeline):
        return mlp
    name, last = estimator.steps[-1]
    pipeline = copy(estimator)
    last = _with_last_step(_thawed(last), mlp)
    pipeline.steps = [*estimator.steps[:-1], (name, last)]
    return pipeline


def _is_fitted(estimator):
    return hasattr(_last_step(estimator), "coefs_")


def _takes_in_fit(estimator, name):
    """Whether `fit` has a parameter; that of a Pipeline has those of its steps."""
    if isinstance(estimator, Pipeline):
        step, _, name = name.partition("__")
        steps = estimator.named_steps
        return step in steps and _takes_in_fit(_thawed(steps[step]), name)
    parameters = signature(estimator.fit).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    return name in parameters or Parameter.VAR_KEYWORD in kinds


def _unfitted_state(estimator):
    """Attributes of an estimator that are not from an earlier fit."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name != "_network" and (name.startswith("_") or not name.endswith("_"))
    }


def check_is_compressor(estimator):
    """Return a fitted `CoresetCompressor`; refuse all else."""
    if not isinstance(estimator, CoresetCompressor):
        raise TypeError(f"A fitted CoresetCompressor is needed; got {estimator!r}.")
    check_is_fitted(estimator)
    return estimator


def _check_is_mlp(estimator):
    if isinstance(estimator, (MLPClassifier, MLPRegressor)):
        return
    inside = [
        name
        for name, value in vars(estimator).items()
        if isinstance(_last_step(value), (MLPClassifier, MLPRegressor))
    ]
    # the fitted network, where there is one, and not its unfitted template
    inside.sort(key=lambda name: not name.endswith("_"))
    hint = f" Pass its attribute `{inside[0]}`." if inside else ""
    raise InvalidParameterError(
        "estimator must be an MLPClassifier, an MLPRegressor or a Pipeline that ends "
        f"in one; got {estimator!r}.{hint}"
    )


def _check_finite_output(network, X):
    if not network.magnitude_bound(X) < float(np.finfo(network.dtype).max):
        _check_is_finite(network.forward(X), network)


def _check_is_finite(F, network):
    if not np.isfinite(F).all():
        raise ValueError(
            f"The output of the network on X is not finite in {network.dtype}: X or "
            "the weights of `estimator` are too large. Scale X as for training."
        )
