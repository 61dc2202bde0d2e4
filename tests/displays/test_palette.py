import re
from pathlib import Path

import pytest

import skcoreset
from skcoreset.displays import palette

COLORS = {
    name: value
    for name, value in vars(palette).items()
    if name.isupper() and isinstance(value, str)
}
MODULES = sorted(Path(skcoreset.__file__).parent.rglob("*.py"))


def luminance(color):
    """Relative luminance by the Web Content Accessibility Guidelines."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", COLORS)
def test_lines_are_seen_on_their_background(name):
    backgrounds = ["#14181C"] if name.endswith("ON_DARK") else ["#FFFFFF", "#14181C"]
    # 3 is what the guidelines ask of graphics
    for background in backgrounds:
        assert contrast(COLORS[name], background) >= 3


def test_no_other_module_has_colors():
    for path in MODULES:
        if path.name != "palette.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"[\"']#[0-9a-fA-F]{6}[\"']", text), path


def test_lines_that_are_compared_have_colors_of_their_own():
    assert len(set(palette.CYCLE)) == len(palette.CYCLE)
    for color in palette.CYCLE:
        assert contrast(color, "#FFFFFF") > 2.5 and contrast(color, "#14181C") >= 3
