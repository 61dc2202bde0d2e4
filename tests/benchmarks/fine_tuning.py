"""Fine-tuning of compressed networks on the training images of MNIST.

python -m tests.benchmarks.fine_tuning --data mnist.npz --network network.npz
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from time import process_time

from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from tests.benchmarks.mnist import load, parser


def main():
    options = parser(__doc__).parse_args()
    reference = load(options.data, options.network)
    test = reference.X_test, reference.y_test
    for density in (0.05, 0.02, 0.01):
        compressor = CoresetCompressor(reference.mlp, density=density, random_state=0)
        compressor.fit(reference.X_calibration)
        before = compressor.score(*test)
        start = process_time()
        compressor.fine_tune(reference.X, reference.y)
        seconds = process_time() - start
        print(
            f"density {density:g}: test accuracy {before:.2%}, fine-tuned "
            f"{compressor.score(*test):.2%} in {seconds:.0f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
