"""Plan: how a network is to be compressed, checked once and passed whole."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np

from ._errors import ERRORS, check_error, default_error
from ._memory import Store, compute
from ._methods import METHODS
from ._promise.target import Target

GUARANTEES = ("conformal", "theoretical")


@dataclass(frozen=True)
class Plan:
    """How a network is to be compressed.

    Parameters
    ----------
    method_name : str
        A name in `METHODS`.

    target : Target

    guarantee : {"conformal", "theoretical"}, default="conformal"

    density : float, default=None
        Share of the edges to keep; None targets an error.

    bits : int, default=None
        Of a kept weight; None rounds nothing.

    refine, prune_neurons : bool, default=None
        None is the rule of the method.

    classes : sequence, default=None
        Names of the classes, for messages and certificates.

    memory : None, str, path or joblib.Memory, default=None
        Where trained networks are kept for other fits.

    seed : tuple of int, default=(0,)

    n_jobs : int, default=None
        The result does not depend on it.

    verbose : int, default=0
    """

    method_name: str
    target: Target
    guarantee: str = "conformal"
    density: float | None = None
    bits: int | None = None
    refine: bool | None = None
    prune_neurons: bool | None = None
    classes: object = None
    memory: object = None
    seed: tuple = (0,)
    n_jobs: int | None = None
    verbose: int = 0

    def __post_init__(self):
        rules = {
            "refine": self.method.refines,
            "prune_neurons": self.method.prunes_neurons,
        }
        for name, rule in rules.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, rule)

    @property
    def method(self):
        """The `Method`."""
        return METHODS[self.method_name]

    @property
    def error(self):
        """The `Error`."""
        return self.target.kind

    @property
    def holds_rows_out(self):
        """Whether held-out rows judge the result."""
        return self.guarantee == "conformal"

    @property
    def trains(self):
        """Whether weights are trained."""
        return self.refine or self.bits is not None

    def new_rng(self):
        """A generator at its start: the same for all that is made by this plan."""
        return np.random.default_rng(self.seed)

    def open_memory(self, network, X):
        """Memory for what is trained on these calibration rows."""
        if self.memory is None:
            return compute
        options = self.method_name, self.target.error, self.refine, self.density
        return Store(self.memory, network, X, *options, self.seed)

    def check(self, *, classifier, multilabel, activation, n_hidden_layers, has_X_val):
        """Refuse options that exclude each other, or that a network does not have."""
        check_error(self.target.error, classifier=classifier, multilabel=multilabel)
        self._check_method(n_hidden_layers)
        if self.guarantee == "theoretical":
            self._check_theorem(activation, has_X_val)

    def _check_method(self, n_hidden_layers):
        if not self.method.drops_neurons:
            return
        if n_hidden_layers == 0:
            raise ValueError(
                f"method={self.method_name!r} drops hidden neurons, and estimator has "
                "no hidden layer: use a method that drops edges, such as 'refined'."
            )
        if not self.prune_neurons:
            raise ValueError(
                "prune_neurons=False does not go with method="
                f"{self.method_name!r}, which drops whole neurons: use a method that "
                "drops edges, such as 'refined', to keep them."
            )

    def _check_theorem(self, activation, has_X_val):
        target = self.target
        conflicts = {
            f"method={self.method_name!r}": not hasattr(self.method, "by_theorem"),
            f"density={self.density!r}": self.density is not None,
            f"error={target.error!r}": target.error != "entrywise",
            f"epsilon={target.epsilon!r}, which is not below 1": target.epsilon
            and target.epsilon >= 1,
            f"confidence={target.confidence!r}": target.confidence is not None,
            f"bits={self.bits!r}": self.bits is not None,
            "refine=True": self.refine,
            "X_val": has_X_val,
            f"an estimator of activation={activation!r}": activation == "logistic",
        }
        for conflict, present in conflicts.items():
            if present:
                raise ValueError(
                    f"guarantee='theoretical' does not go with {conflict}: the theorem "
                    "bounds the entrywise relative error of plain CoreNet ('corenet', "
                    "'corenet+' or 'corenet++') with ReLU, tanh or identity "
                    "activations, from its own sample sizes and without held-out rows. "
                    "guarantee='conformal' covers all the rest."
                )


def target_of(error, epsilon, delta, confidence, density, *, classifier, guarantee):
    """Return the target that parameters ask for, with defaults filled in.

    Raises
    ------
    ValueError
        If `epsilon` plays no part, or has no default.
    """
    if error == "auto":
        error = default_error(classifier, guarantee)
    kind = ERRORS[error]
    if epsilon is not None and (kind.counts_rows or density is not None):
        reason = (
            f"error={error!r}, which counts rows"
            if kind.counts_rows
            else f"density={density!r}, which targets no error"
        )
        raise ValueError(
            f"epsilon={epsilon!r} plays no part with {reason}: leave it out."
        )
    if epsilon is None and density is None and not kind.counts_rows:
        if kind.epsilon is None:
            raise ValueError(
                f"error={error!r} has no default epsilon: give the largest difference "
                "that is allowed, in the units of the output."
            )
        epsilon = kind.epsilon
    return Target(error, epsilon, delta, confidence)
