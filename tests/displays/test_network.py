import numpy as np
import pytest
from scipy import sparse

from skcoreset import NetworkDisplay

pytestmark = pytest.mark.usefixtures("plt")


def test_network_has_a_line_for_every_edge_and_a_dot_for_every_neuron(compressor, mlp):
    display = NetworkDisplay.from_estimator(compressor)
    for coefs, edges, neurons in zip(
        (mlp.coefs_, compressor.coefs_), display.edges_, display.neurons_
    ):
        n_edges = sum(sparse.csr_array(coef).nnz for coef in coefs)
        assert len(edges.get_segments()) == n_edges
        n_neurons = coefs[0].shape[0] + sum(coef.shape[1] for coef in coefs)
        assert len(neurons.get_offsets()) == n_neurons
    texts = [text.get_text() for text in display.ax_.texts]
    assert f"before: {64 * 32 + 32 * 16 + 16 * 10:,} edges" in texts
    assert any(text.startswith(f"after: {n_edges:,} edges, ") for text in texts)
    # the classes, beside each network
    assert sum(text == "7" for text in texts) == 2


def test_network_lines_join_the_neurons_of_their_edges():
    coefs = [np.array([[1.0, 0.0], [0.0, -2.0]]), np.array([[0.0], [3.0]])]
    lines = NetworkDisplay(coefs, coefs).plot().edges_[0]
    first, second, third = lines.get_segments()
    # the two of the first layer by strength, the second at the height where it ends
    assert first[0, 1] > second[0, 1]
    np.testing.assert_array_equal(second[1], third[0])
    assert third[1, 1] == pytest.approx(0)
    blue, orange = lines.get_colors()[[0, 1], :3]
    assert not np.array_equal(blue, orange)
    np.testing.assert_array_equal(lines.get_colors()[2, :3], blue)


def test_network_lines_of_sorted_neurons_do_not_cross():
    # a chain from every input to the mirrored neuron
    mirror = np.eye(5)[::-1]
    display = NetworkDisplay([mirror, mirror], [mirror, mirror]).plot()
    for segment in display.edges_[0].get_segments():
        assert segment[0, 1] == pytest.approx(segment[1, 1])


def test_large_networks_are_drawn_at_one_rate(compressor, legend_of):
    coefs = [np.ones((40, 20)), np.ones((20, 3))]
    fewer = [np.ones((40, 10)), np.ones((10, 3))]
    display = NetworkDisplay(coefs, fewer).plot(max_neurons=10)
    sizes = [len(edges.get_segments()) for edges in display.edges_]
    assert sizes == [10 * 10 + 10 * 3, 10 * 5 + 5 * 3]
    assert "at most 10 of a layer" in legend_of(display.ax_)[-1]
    for max_neurons, error in [(0, ValueError), (2.5, TypeError)]:
        with pytest.raises(error, match="max_neurons"):
            NetworkDisplay.from_estimator(compressor, max_neurons=max_neurons)


def test_networks_without_edges_are_pale_dots():
    empty = [np.zeros((3, 2)), np.zeros((2, 1))]
    display = NetworkDisplay(empty, empty, input_names=["a", "b", "c"]).plot()
    assert display.edges_[0].get_segments() == []
    assert (display.neurons_[0].get_alpha() < 1).all()
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts.count("a") == 1
    display.figure_.draw_without_rendering()


def test_networks_with_an_empty_layer_are_drawn():
    coefs = [np.ones((3, 2)), np.ones((2, 1))]
    empty = [np.zeros((3, 0)), np.zeros((0, 1))]
    display = NetworkDisplay(coefs, empty).plot()
    assert len(display.neurons_[1].get_offsets()) == 4
    display.figure_.draw_without_rendering()
