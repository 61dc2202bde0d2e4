"""Size: the memory that a compression takes, estimated before it is tried."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import os

# Bytes for each edge, measured: those of a network that is trained, and of others.
BYTES_TRAINED, BYTES_UNTRAINED = 90, 60

# Copies of the activations of the calibration rows that training holds.
N_COPIES = 2


def check_size(network, n_rows, plan):
    """Refuse a network that this machine's memory cannot compress.

    Parameters
    ----------
    network : Network

    n_rows : int
        Number of calibration rows.

    plan : Plan

    Raises
    ------
    MemoryError
        With the estimate, the memory of the machine, and what takes less.
    """
    needed, available = estimated_bytes(network, n_rows, plan), memory_of_machine()
    if available is None or needed <= available:
        return
    remedy = "Compress it on a machine that has more, or prune it there first."
    if plan.trains:
        remedy = (
            "Methods that do not train take less: use method='magnitude', or "
            "refine=False and bits=None."
        )
    raise MemoryError(
        f"method={plan.method_name!r} needs some {needed / 1e9:.1f} GB for a network "
        f"of {network.n_edges:,} edges and {n_rows:,} calibration rows, and this "
        f"machine has {available / 1e9:.1f} GB. {remedy}"
    )


def estimated_bytes(network, n_rows, plan):
    """Bytes of memory that a compression takes at its peak, roughly."""
    item = network.dtype.itemsize / 4
    if not plan.trains:
        return BYTES_UNTRAINED * item * network.n_edges
    activations = N_COPIES * 4 * n_rows * sum(network.widths)
    return item * (BYTES_TRAINED * network.n_edges + activations)


def memory_of_machine():
    """Bytes of physical memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
