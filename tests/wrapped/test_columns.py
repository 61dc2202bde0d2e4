"""Columns that are still read, found by changing those that are not."""

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from skcoreset import CoresetCompressor
from skcoreset._wrapped import columns_read, inputs_of

from ..conftest import fitted


def network(*steps):
    return make_pipeline(*steps, MLPClassifier((3,), max_iter=5, random_state=0))


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    X[::7, 1] = np.nan
    return X, (X[:, 0] > 0).astype(int)


TABLES = {
    "none": lambda: [SimpleImputer()],
    "scaler": lambda: [SimpleImputer(), StandardScaler(), "passthrough"],
    "indicator": lambda: [SimpleImputer(add_indicator=True)],
    "products": lambda: [SimpleImputer(), PolynomialFeatures()],
    "selection": lambda: [SimpleImputer(), SelectKBest(k=2), FunctionTransformer()],
    "mixed": lambda: [SimpleImputer(), Normalizer(), StandardScaler()],
    "components": lambda: [SimpleImputer(), PCA(3), StandardScaler()],
    "columns": lambda: [
        make_column_transformer(
            (make_pipeline(SimpleImputer(), MinMaxScaler()), [3, 1]),
            (SimpleImputer(), slice(0, 1)),
            ("drop", [2]),
            remainder="passthrough",
        )
    ],
    "parts of columns": lambda: [
        SimpleImputer(),
        make_column_transformer((PCA(1), [0, 1]), (StandardScaler(), [-1, 2])),
    ],
}


@pytest.mark.parametrize("case", TABLES)
def test_columns_that_are_not_read_change_no_input_that_is_used(case, numbers):
    X, y = numbers
    pipeline = fitted(network(*TABLES[case]()), X, y)
    before = inputs_of(pipeline, X)
    rng = np.random.default_rng(1)
    # each input of the network by itself
    read = np.array(
        [columns_read(pipeline, one) for one in np.eye(before.shape[1], dtype=bool)]
    )
    for column in range(X.shape[1]):
        other = X.copy()
        other[:, column] = np.where(np.isnan(X[:, column]), 0, rng.normal(size=len(X)))
        changed = (inputs_of(pipeline, other) != before).any(axis=0)
        np.testing.assert_array_equal(changed, read[:, column])


def test_columns_of_a_table_of_categories_and_numbers():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "city": rng.choice(["x0", "city_1", "Ulm"], 200),
            "size": rng.normal(size=200),
            "x0": rng.choice(["city", "b"], 200),
            "age": rng.normal(size=200),
        }
    )
    y = (table["size"] > 0).astype(int)
    steps = make_column_transformer(
        (OneHotEncoder(), ["x0", "city"]), (StandardScaler(), ["age", "size"])
    )
    pipeline = fitted(network(steps), table[:100], y[:100])
    compressor = CoresetCompressor(pipeline, density=0.2, random_state=0)
    compressor = compressor.fit(table[100:])
    features = compressor.get_support()
    columns = compressor.get_support(columns=True)
    names = pipeline[0].get_feature_names_out()[features]
    expected = {
        column
        for column in table
        if any(name.split("__")[1].startswith(column) for name in names)
    }
    assert set(table.columns[columns]) == expected and not columns.all()
    indices = compressor.get_support(indices=True, columns=True)
    np.testing.assert_array_equal(indices, np.flatnonzero(columns))
    other = table.copy()
    for column in table.columns[~columns]:
        other[column] = table[column].sample(frac=1, random_state=0).to_numpy()
    np.testing.assert_array_equal(compressor.predict(other), compressor.predict(table))


def test_a_column_of_texts_and_names_by_a_function():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": list("xyxy") * 5, "text": ["one two", "two"] * 10})
    steps = make_column_transformer(
        (CountVectorizer(), "text"),
        (
            OneHotEncoder(feature_name_combiner=lambda name, value: value),
            slice("a", "a"),
        ),
    )
    pipeline = fitted(network(steps), table, [0, 1] * 10)
    for used, expected in (([0], [False, True]), ([2], [True, False])):
        support = np.isin(np.arange(4), used)
        np.testing.assert_array_equal(columns_read(pipeline, support), expected)


def test_texts_have_no_columns():
    pipeline = fitted(network(CountVectorizer()), ["a bc", "de f", "gh bc"], [0, 1, 0])
    with pytest.raises(ValueError, match="CountVectorizer takes no columns"):
        columns_read(pipeline, np.ones(3, dtype=bool))
