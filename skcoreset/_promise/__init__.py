"""What is promised of a compressed network: numbers, held-out rows, and words.

`target` and `rules` are the numbers, `judge` holds the held-out rows, `certificate` has
the words, `path` decides by calibration rows alone which networks there are to judge.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause
