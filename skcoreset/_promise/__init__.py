"""TODO."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause
