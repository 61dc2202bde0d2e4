"""Networks on a simulated Arduino Uno (ATmega328P, 16 MHz): compressed, and dense ones.

Accuracy in floats and in integers, bytes of the compact file and of ONNX, flash and RAM
with an image of 784 bytes, bytes of stack, and milliseconds an image. For MicroPython:
bytes of the module, heap after its import, and estimated milliseconds on an RP2040.

    python -m tests.benchmarks.microcontrollers --data mnist.npz --network network.npz

avr-gcc and simavr are needed for what is measured, skl2onnx for the files of ONNX,
emlearn (PyPI) for the comparison with it, node and the package of
`tests.export.micropython_port` for the heap.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import contextlib
import io
import platform
import subprocess
import tempfile
import warnings
from copy import copy
from importlib import metadata
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset.export import dump, to_c, to_micropython
from tests.benchmarks.mnist import compress, load, parser
from tests.export.c.devices import has, predict_call, run_on_avr, sizes_on_avr
from tests.export.micropython_port import has_port, results

DENSITIES = (0.1, 0.05, 0.02, 0.0165)
WIDTHS = (8, 16, 32)
FLASH = 32_256  # without the boot loader

EMLEARN_MAIN = """
#include <stdint.h>
#include "network.h"
volatile int8_t result;
float x[784];
int main(void) { for (;;) { result = (int8_t)network_predict(x, 784); } }
"""


def train(reference, width, n_epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = MLPClassifier((width,), batch_size=128, max_iter=n_epochs, random_state=0)
        return mlp.fit(reference.X, reference.y)


def onnx_bytes(mlp):
    """Bytes of an ONNX file whose zeros are left out, if skl2onnx is there."""
    try:
        from skl2onnx import to_onnx

        from skcoreset.export.onnx import sparsify
    except ImportError:
        return "-"
    if hasattr(mlp.coefs_[0], "toarray"):
        mlp = copy(mlp)
        mlp.coefs_ = [coef.toarray() for coef in mlp.coefs_]
    row = np.zeros((1, mlp.n_features_in_), np.float32)
    model = to_onnx(mlp, row, options={"zipmap": False})
    return sparsify(model).ByteSize()


def row(name, mlp, reference, folder):
    """Measure one network and print it."""
    X_test, y_test = reference.X_test, reference.y_test
    program = to_c(mlp, reference.X_calibration, input_scale=1 / 255)
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
    print(f"{name:28} {numbers} {onnx_bytes(mlp):>8} {sizes}", flush=True)
    module = to_micropython(mlp, reference.X_calibration, input_scale=1 / 255)
    heap = "-"
    if has_port():
        heap, _ = results(module, module.readings(X_test[:1]), heap=2**20)
    sizes = f"{len(module.source):7} {heap:>6} {module.microseconds / 1000:13.0f}"
    print(f"{name + ', MicroPython':53} {sizes}", flush=True)


def emlearn_row(width, mlp, reference, folder):
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
    accuracy = 100 * mlp.score(reference.X_test, reference.y_test)
    name = f"emlearn, 784-{width}-10"
    print(f"{name:28} {accuracy:7.2f} {'':26} {sizes}", flush=True)


def versions():
    """What this was measured with."""
    parts = [f"Python {platform.python_version()}", platform.machine()]
    for name in ("numpy", "scikit-learn", "skl2onnx", "emlearn"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            parts.append(f"{name} {metadata.version(name)}")
    if has("avr-gcc"):
        output = subprocess.run(
            ["avr-gcc", "--version"], capture_output=True, text=True
        )
        parts.append(output.stdout.splitlines()[0])
    return ", ".join(parts)


def main(arguments):
    reference = load(arguments.data, arguments.network)
    print(versions())
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        rest = reference, Path(folder)
        print(f"{'network':28} {'float':>7} {'integers':>8} {'file':>8}", end=" ")
        print(f"{'ONNX':>8} {'flash':>7} {'RAM':>6} {'stack':>6} {'ms':>6}")
        for density in arguments.densities:
            for bits in arguments.bits:
                options = {"bits": bits, "random_state": arguments.seed}
                compressor = compress(reference, density=density, **options)
                name = f"{density:.3g}, {bits} bits"
                row(name, compressor.estimator_, *rest)
                compressor.fine_tune(reference.X, reference.y)
                row(f"{name}, labels", compressor.estimator_, *rest)
        for width in arguments.widths:
            small = train(reference, width, arguments.epochs)
            row(f"dense 784-{width}-10, 8 bits", small, *rest)
            try:
                emlearn_row(width, small, *rest)
            except ImportError:
                print("emlearn is not installed")


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--densities", type=float, nargs="*", default=DENSITIES)
    arguments.add_argument("--bits", type=int, nargs="*", default=[3, 2])
    arguments.add_argument("--widths", type=int, nargs="*", default=WIDTHS)
    arguments.add_argument("--epochs", type=int, default=15, help="of dense networks")
    arguments.add_argument("--seed", type=int, default=0)
    main(arguments.parse_args())
