"""Networks on a simulated Arduino Uno (ATmega328P, 16 MHz): compressed, and dense ones.

Accuracy in floats and in integers, bytes of the compact file, flash and RAM with an
image of 784 bytes, bytes of stack, and milliseconds an image:

    python tests/benchmarks/microcontrollers.py --data mnist.npz --network network.npz

MNIST comes from OpenML, or from a file with `X_train`, `y_train`, `X_test` and `y_test`
as bytes; the network is trained, or comes from a file with `coefs_0`, `intercepts_0`,
..., and `calibration`, the numbers of the rows to calibrate on. avr-gcc and simavr are
needed for what is measured, emlearn (PyPI) for the comparison with it.
"""

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset.export import dump, to_c

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.export.devices import (
    has,
    predict_call,
    run_on_avr,
    sizes_on_avr,
)

DENSITIES = (0.1, 0.05, 0.02, 0.01)
WIDTHS = (8, 16, 32)
FLASH = 32_256  # without the boot loader

EMLEARN_MAIN = """
#include <stdint.h>
#include "network.h"
volatile int8_t result;
float x[784];
int main(void) { for (;;) { result = (int8_t)network_predict(x, 784); } }
"""


def load(path):
    if path:
        data = np.load(path)
        parts = [data[f"{k}_{part}"] for part in ("train", "test") for k in "Xy"]
    else:
        X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
        parts = X[:60_000], y[:60_000], X[60_000:], y[60_000:]
    X, y, X_test, y_test = parts
    flat = (len(X), -1), (len(X_test), -1)
    X, X_test = (np.float32(a.reshape(s)) / 255 for a, s in zip((X, X_test), flat))
    return X, y.astype(int), X_test, y_test.astype(int)


def train(X, y, hidden, n_epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = MLPClassifier(hidden, batch_size=128, max_iter=n_epochs, random_state=0)
        return mlp.fit(X, y)


def reference(path, X, y, n_epochs):
    """The network to compress, and rows to calibrate on."""
    if not path:
        return train(X, y, (300, 100), n_epochs), X[:4000]
    file = np.load(path)
    n_layers = sum(key.startswith("coefs_") for key in file)
    hidden = [len(file[f"intercepts_{k}"]) for k in range(n_layers - 1)]
    mlp = MLPClassifier(hidden).partial_fit(X[:100], y[:100], classes=range(10))
    mlp.coefs_ = [file[f"coefs_{k}"] for k in range(n_layers)]
    mlp.intercepts_ = [file[f"intercepts_{k}"] for k in range(n_layers)]
    return mlp, X[file["calibration"]]


def row(name, mlp, calibration, X_test, y_test, folder):
    """Measure one network and print it."""
    program = to_c(mlp, calibration, input_scale=1 / 255)
    file = io.BytesIO()
    dump(mlp, file)
    accuracies = [100 * np.mean(p.predict(X_test) == y_test) for p in (mlp, program)]
    sizes = f"{program.flash_bytes:7} {program.ram_bytes:6}   (estimates)"
    if program.flash_bytes < FLASH - 900 and has("avr-gcc", "simavr"):
        call = predict_call(program)
        flash, ram = sizes_on_avr(program, 784, call, folder)
        U = np.rint(255 * X_test[: min(8, (FLASH - 600 - flash) // 784)])
        _, cycles, stack = run_on_avr(program, U.astype(np.uint8), call, folder)
        sizes = f"{flash:7} {ram:6} {stack:6} {cycles.mean() / 16e3:6.1f}"
    numbers = f"{accuracies[0]:7.2f} {accuracies[1]:8.2f} {file.tell():8}"
    print(f"{name:28} {numbers} {sizes}", flush=True)


def emlearn_row(width, mlp, X_test, y_test, folder):
    """The same network by emlearn: floats."""
    # it makes NumPy raise on underflow, and leaves files where it runs
    with np.errstate(), contextlib.chdir(folder):
        import emlearn

        emlearn.convert(mlp, method="inline").save(file="network.h", name="network")
    (folder / "main.c").write_text(EMLEARN_MAIN)
    options = ["-mmcu=atmega328p", "-std=c99", "-Os", "-I", emlearn.includedir]
    command = ["avr-gcc", *options, folder / "main.c", "-lm", "-o", folder / "main.elf"]
    build = subprocess.run(command, capture_output=True, text=True)
    sizes = "does not fit"
    if build.returncode == 0:
        output = subprocess.run(
            ["avr-size", folder / "main.elf"], capture_output=True, text=True
        ).stdout
        text, data, bss = map(int, output.splitlines()[1].split()[:3])
        sizes = f"{text + data:7} {data + bss:6}"
        sizes += "   does not fit" * (data + bss > 2048 or text + data > FLASH)
    accuracy = 100 * mlp.score(X_test, y_test)
    name = f"emlearn, 784-{width}-10"
    print(f"{name:28} {accuracy:7.2f} {'':17} {sizes}", flush=True)


def main(arguments):
    X, y, X_test, y_test = load(arguments.data)
    mlp, calibration = reference(arguments.network, X, y, arguments.epochs)
    rest = calibration, X_test, y_test
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        rest = *rest, Path(folder)
        print(f"{'network':28} {'float':>7} {'integers':>8} {'file':>8}", end=" ")
        print(f"{'flash':>7} {'RAM':>6} {'stack':>6} {'ms':>6}")
        for density in arguments.densities:
            for bits in arguments.bits:
                compressor = CoresetCompressor(
                    mlp,
                    density=density,
                    bits=bits,
                    validation_fraction=0.1,
                    random_state=arguments.seed,
                ).fit(calibration)
                name = f"{density:.3g}, {bits} bits"
                row(name, compressor.estimator_, *rest)
                if arguments.labels:
                    compressor.fine_tune(X, y)
                    row(f"{name}, labels", compressor.estimator_, *rest)
        for width in arguments.widths:
            small = train(X, y, (width,), arguments.epochs)
            row(f"dense 784-{width}-10, 8 bits", small, *rest)
            try:
                emlearn_row(width, small, X_test, y_test, Path(folder))
            except ImportError:
                print("emlearn is not installed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="MNIST as .npz; default: from OpenML")
    parser.add_argument("--network", help="weights as .npz; default: trained")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--densities", type=float, nargs="*", default=DENSITIES)
    parser.add_argument("--bits", type=int, nargs="*", default=[3, 2])
    parser.add_argument("--widths", type=int, nargs="*", default=WIDTHS)
    parser.add_argument("--labels", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
