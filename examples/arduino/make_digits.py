"""Write the network of the Arduino sketch, and a digit for it to read.

    python examples/arduino/make_digits.py

The digits are the 8x8 ones of scikit-learn. The sketch `digits/digits.ino` includes the
files that this writes: `network.h`, `network_test.h` and `digit.h`.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset.export import to_c


def main(folder):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, random_state=0
    )
    mlp = MLPClassifier((64,), alpha=0.01, max_iter=500, random_state=0)
    mlp.fit(X_train, y_train)
    compressor = CoresetCompressor(mlp, density=0.25, bits=3, random_state=0)
    compressor.fit(X_train)
    compressor.fine_tune(X_train, y_train)
    # pixels are 0 to 16 already
    program = to_c(compressor, X_train, input_scale=1)
    program.save(folder / "network.h")
    program.save_test(folder / "network_test.h", X_test[:10])

    pixels = ", ".join(f"{pixel:.0f}" for pixel in X_test[0])
    lines = [
        f"/* A handwritten {y_test[0]} of 8 x 8 pixels, 0 to 16. */",
        f"static const uint8_t digit[64] = {{{pixels}}};",
        "",
    ]
    (folder / "digit.h").write_text("\n".join(lines))

    print(program)
    print(f"accuracy of the network:    {mlp.score(X_test, y_test):.3f}")
    accuracy = np.mean(program.predict(X_test) == y_test)
    print(f"accuracy in C:              {accuracy:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "digits")
    main(parser.parse_args().output)
