"""The colours of every figure, notebook summary and page."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

# Readable on white and on black, and distinct to people with colour blindness.
BLUE, ORANGE, GREY = "#1F85C7", "#D55E00", "#808080"

# The same two, lighter, for pages that have a dark theme.
BLUE_ON_DARK, ORANGE_ON_DARK = "#4AA8E4", "#F08236"

# For lines that are compared, the most important first.
CYCLE = (ORANGE, BLUE, "#009E73", "#CC79A7", GREY)
