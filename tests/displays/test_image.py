import pytest

from skcoreset.displays import check_image_shape


@pytest.mark.parametrize(
    ("image_shape", "n_features", "expected"),
    [
        ("auto", 64, (8, 8)),
        ("auto", 784, (28, 28)),
        # a table of 7 x 7 columns, and one whose number of columns is no square
        ("auto", 49, None),
        ("auto", 65, None),
        (None, 64, None),
        ([4, 16], 64, (4, 16)),
    ],
)
def test_image_shape(image_shape, n_features, expected):
    assert check_image_shape(image_shape, n_features) == expected


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((8, 9), "has 72 pixels, but a row has 64 features"),
        ((-8, -8), "but a row has 64"),
        ((8.0, 8.0), "must be 'auto', None or two integers"),
        ((8, 8, 1), "must be 'auto', None or two integers"),
        ("square", "must be 'auto', None or two integers"),
        (64, "must be 'auto', None or two integers"),
    ],
)
def test_wrong_image_shapes_are_refused(image_shape, message):
    with pytest.raises(ValueError, match=message):
        check_image_shape(image_shape, 64)
