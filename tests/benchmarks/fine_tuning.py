"""Fine-tuning of compressed networks on the training images of MNIST.

python -m tests.benchmarks.fine_tuning --data mnist.npz --network network.npz
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from tests.benchmarks.mnist import compress, load, parser


def main():
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=2)
    options = options.parse_args()
    reference = load(options.data, options.network)
    test = reference.X_test, reference.y_test
    for density in (0.05, 0.02, 0.01):
        figures = []
        for seed in range(options.seeds):
            compressor = compress(reference, density=density, random_state=seed)
            before, start = compressor.score(*test), process_time()
            compressor.fine_tune(reference.X, reference.y)
            seconds = process_time() - start
            figures.append([before, compressor.score(*test), seconds])
        before, after, seconds = np.mean(figures, axis=0)
        print(
            f"density {density:g}: test accuracy {before:.2%}, fine-tuned {after:.2%} "
            f"in {seconds:.0f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
