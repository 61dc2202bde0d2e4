"""What a second core brings a whole fit, beside the most that it could bring.

python tests/benchmarks/two_cores.py

BLAS has one thread in every fit, so `n_jobs` alone tells how many cores are used. The
most that two cores can do is taken from two processes that know nothing of each other.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy, here and in the processes

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils._testing import ignore_warnings

from skcoreset import CoresetCompressor
from skcoreset._sensitivity import sensitivity

FITS = [
    {"method": "corenet", "density": 0.4},
    {"method": "corenet++", "density": 0.4},
    {"method": "magnitude", "epsilon": 0.3},
    {"method": "magnitude", "refine": True, "density": 0.1},
    {"method": "refined", "density": 0.05},
]


@ignore_warnings(category=ConvergenceWarning)
def problem():
    rng = np.random.default_rng(0)
    X = rng.random((4000, 784)).astype(np.float32)
    X[rng.random(X.shape) < 0.6] = 0
    mlp = MLPClassifier((500, 500, 500), random_state=0)
    return mlp.partial_fit(X[:200], rng.integers(0, 10, 200), classes=range(10)), X


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def fit(mlp, X, parameters, n_jobs):
    CoresetCompressor(mlp, random_state=0, n_jobs=n_jobs, **parameters).fit(X)


def products(_=None):
    A = np.ones((512, 500), np.float32)
    B = np.ones((500, 500), np.float32)
    for _ in range(1000):
        A @ B


def main():
    print("One core (s)  Two cores (s)  Ratio")
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(products, range(2)))
        one = min(seconds(products) for _ in range(3))
        two = min(seconds(lambda: list(pool.map(products, range(2)))) for _ in range(3))
    print(f"{one:12.2f} {two / 2:14.2f} {2 * one / two:6.2f}  products, two processes")

    mlp, X = problem()
    functions = {
        "sensitivity of the first layer": partial(sensitivity, X[:600], mlp.coefs_[0])
    }
    for parameters in FITS:
        functions[str(parameters)] = partial(fit, mlp, X, parameters)
    for name, function in functions.items():
        one, two = np.inf, np.inf
        for _ in range(3):
            one = min(one, seconds(partial(function, n_jobs=1)))
            two = min(two, seconds(partial(function, n_jobs=2)))
        print(f"{one:12.2f} {two:14.2f} {one / two:6.2f}  {name}")


if __name__ == "__main__":
    main()
