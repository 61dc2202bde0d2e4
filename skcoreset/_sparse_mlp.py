"""Multi-layer perceptrons with sparse weights: small to keep and fast to predict."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from scipy import sparse
from sklearn.base import is_classifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ._wrapped import (
    check_is_finite,
    class_probabilities,
    decode_outputs,
    inputs_of,
    last_step,
    network_of,
    with_last_step,
    with_network,
)


class _SparsePrediction:
    """Predicts with sparse products; everything else is scikit-learn's.

    A network whose weights are dense, after its own `fit`, predicts as in scikit-learn.
    """

    def _outputs(self, X):
        """Activated outputs, (n_samples, n_outputs)."""
        before, network = vars(self).get("_network", ((None, None), None))
        weights = self.coefs_, self.intercepts_
        # in the first use, or with other weights
        if any(old is not new for old, new in zip(before, weights)):
            network = network_of(self)
            self._network = weights, network
        F = network.forward(inputs_of(self, X))
        check_is_finite(F, network)
        return network.activate_output(F)

    def _is_sparse(self):
        return any(map(sparse.issparse, getattr(self, "coefs_", ())))

    def predict(self, X):
        """Predict with sparse products.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes or values.
        """
        if not self._is_sparse():
            return super().predict(X)
        return decode_outputs(self, self._outputs(X))

    def partial_fit(self, X, y, **params):
        """Train a network whose weights are dense, as scikit-learn does.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes or values.

        **params : dict
            As scikit-learn's own `partial_fit` takes them.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the weights are sparse: scikit-learn would train the removed edges too.
        """
        if self._is_sparse():
            raise ValueError(
                f"partial_fit would train the removed edges of this "
                f"{type(self).__name__} too. CoresetCompressor.fine_tune trains the "
                "kept ones, and CoresetCompressor.to_dense returns a network that "
                "partial_fit takes."
            )
        return super().partial_fit(X, y, **params)

    def __getstate__(self):
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_network"}


class SparseMLPClassifier(_SparsePrediction, MLPClassifier):
    """MLPClassifier that multiplies by its sparse weights.

    As small as `CoresetCompressor.estimator_`, whose weights it has, and as fast as
    the compressor itself: `coefs_` are of type :class:`scipy.sparse.csr_array`, and a
    layer with few edges is multiplied as a sparse matrix. It can be used wherever an
    MLPClassifier can, with the same parameters and attributes. `fit` trains a new
    network, with dense weights. To change weights after a prediction, assign new lists
    to `coefs_` or `intercepts_`: changes inside the arrays are not seen.

    See Also
    --------
    CoresetCompressor.to_sparse : Returns it.
    skcoreset.export.load : Returns it for a file of a sparse network.

    Examples
    --------
    >>> import pickle
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[900:])
    >>> small = compressor.to_sparse()
    >>> bool((small.predict(X) == compressor.predict(X)).all())
    True
    >>> len(pickle.dumps(small)) < len(pickle.dumps(mlp)) / 5
    True
    """

    def predict_proba(self, X):
        """Class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        if not self._is_sparse():
            return super().predict_proba(X)
        return class_probabilities(self._outputs(X))


class SparseMLPRegressor(_SparsePrediction, MLPRegressor):
    """MLPRegressor that multiplies by its sparse weights.

    Like :class:`SparseMLPClassifier`.

    See Also
    --------
    SparseMLPClassifier : The same for classes.
    """


def to_sparse(estimator):
    """Return a fitted MLP, or Pipeline that ends in one, that predicts sparsely.

    Parameters
    ----------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted. It is not changed, and shares no weights with the result.

    Returns
    -------
    estimator : SparseMLPClassifier, SparseMLPRegressor or Pipeline
        With the same parameters, attributes and steps before the network.
    """
    estimator = with_network(estimator, network_of(estimator))
    mlp = last_step(estimator)
    kind = SparseMLPClassifier if is_classifier(mlp) else SparseMLPRegressor
    sparse_mlp = kind()
    vars(sparse_mlp).update(vars(mlp))
    return with_last_step(estimator, sparse_mlp)
