"""Reads the compact file as doc/user_guide/file_format.rst describes it.

It shares no line and no constant with the package: written from the guide, plainly and
slowly.
"""

import json
import zlib
from collections import defaultdict
from itertools import pairwise

import numpy as np

DICTIONARY = (
    b'"StandardScaler""MinMaxScaler""MaxAbsScaler""RobustScaler""attributes":{"mean_":{'
    b'"dtype":"float64","values":["n_samples_seen_":{"dtype":"int64","values":'
    b'"params":{"copy":true,"with_mean":true,"with_std":true},"type":"exp""identity"'
    b'"tanh""values""binary""multilabel"{"activation":"logistic","code":1'
    b'"activation":"relu","code":10,"feature_names":null,"labels":{"classes":{"dtype":'
    b'"int64","values":[0,1,2,3,4,5,6,7,8,9]},"sparse":false},"layers":[{"intercepts":{'
    b'"dtype":"float64","step":null},"odd":false,"weights":{"dtype":"float64","step":'
    b'null}},{"intercepts":{"dtype":"float32","step":0.0},"odd":true,"weights":{"dtype":'
    b'"float32","step":0.0}}],"n_features":64,"name":null,"out_activation":"softmax",'
    b'"predicts":"multiclass","sparse":true,"steps":[],"widths":[100,10]}'
)


def unsealed(data):
    """Metadata, as text, and what follows them, of a file."""
    assert data[:9] == bytes.fromhex("89534B430D0A1A0A03")
    n_text, n_deflated, n_rest = (
        int.from_bytes(data[start : start + 4], "little") for start in (9, 13, 17)
    )
    assert len(data) == 21 + n_deflated + n_rest + 4
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    inflater = zlib.decompressobj(-15, DICTIONARY)
    text = inflater.decompress(data[21 : 21 + n_deflated]) + inflater.flush()
    assert len(text) == n_text
    return text, data[21 + n_deflated : -4]


def sealed(text, rest, n_text=None):
    """The opposite of `unsealed`; `n_text` is a length that need not be true."""
    deflater = zlib.compressobj(wbits=-15, zdict=DICTIONARY)
    deflated = deflater.compress(text) + deflater.flush()
    lengths = len(text) if n_text is None else n_text, len(deflated), len(rest)
    data = bytes.fromhex("89534B430D0A1A0A03")
    data += b"".join(length.to_bytes(4, "little") for length in lengths)
    data += deflated + rest
    return data + zlib.crc32(data).to_bytes(4, "little")


def read(data):
    """Metadata, and pairs of dense weights and intercepts, of a file."""
    text, rest = unsealed(data)
    metadata = json.loads(text)
    code, numbers = Code(rest[: metadata["code"]]), rest[metadata["code"] :]

    def raw(dtype, n):
        nonlocal numbers
        size = n * np.dtype(dtype).itemsize
        values, numbers = np.frombuffer(numbers[:size], dtype), numbers[size:]
        return values

    layers = []
    widths = [metadata["n_features"], *metadata["widths"]]
    for (n_in, n_out), layer in zip(pairwise(widths), metadata["layers"]):
        dtype, step = layer["weights"]["dtype"], layer["weights"]["step"]
        kept, lags = code.support(n_in, n_out)
        coef = np.zeros((n_in, n_out), dtype)
        if step is None:
            coef[kept == 1] = raw(dtype, kept.sum())
        else:
            levels = code.levels(kept, lags, layer["odd"])
            coef = np.array(step, dtype) * levels.astype(dtype)
        dtype, step = layer["intercepts"]["dtype"], layer["intercepts"]["step"]
        if step is None:
            intercept = raw(dtype, n_out)
        else:
            levels = code.intercepts(n_out)
            intercept = np.array(step, dtype) * levels.astype(dtype)
        layers.append((coef, intercept))
    assert not numbers
    return metadata, layers


class Code:
    """The arithmetic code: one symbol after another."""

    def __init__(self, code):
        self.bits = "".join(f"{byte:08b}" for byte in code) + "0" * 96
        self.span, self.value, self.place = 2**96, int(self.bits[:96], 2), 96

    def symbol(self, widths):
        unit = self.span // sum(widths)
        start = 0
        for symbol, width in enumerate(widths):
            is_last = symbol == len(widths) - 1
            end = self.span if is_last else unit * (start + width)
            if self.value < end:
                break
            start += width
        self.value, self.span = self.value - unit * start, end - unit * start
        while self.span < 2**64:
            word = self.bits[self.place : self.place + 32].ljust(32, "0")
            self.value = self.value * 2**32 + int(word, 2)
            self.span *= 2**32
            self.place += 32
        return symbol

    def uniform(self, n):
        return self.symbol([1] * n)

    def adaptive(self, counts):
        symbol = self.symbol(counts)
        counts[symbol] += 2
        return symbol

    def integer(self, counts, context=0):
        length = 0
        while self.adaptive(counts[context, length]):
            length += 1
        digits = "1"
        for number in range(length):
            if number == 0:
                digits += str(self.adaptive(counts[context, length, "first"]))
            else:
                digits += str(self.uniform(2))
        return int(digits, 2) - 1

    def batches(self, counts, contexts):
        symbols = []
        while len(symbols) < len(contexts):
            seen = sum(sum(each) - len(each) for each in counts) // 2
            n = 1 + seen // 16
            new = [self.symbol(counts[c]) for c in contexts[len(symbols) :][:n]]
            for context, symbol in zip(contexts[len(symbols) :], new):
                counts[context][symbol] += 2
            symbols += new
        return symbols

    def support(self, n_in, n_out):
        if max(n_in, n_out) <= 4096:
            by_inputs = self.uniform(2)
        elif min(n_in, n_out) <= 4096:
            by_inputs = n_in <= 4096
        else:
            by_inputs = n_in <= n_out
        prior = [1, 4, 16, 64][self.uniform(4)]
        n_lines, n_ends = (n_in, n_out) if by_inputs else (n_out, n_in)
        lags = []
        if by_inputs:
            n_lags = self.integer(defaultdict(lambda: [1, 1]))
            for _ in range(n_lags):
                lags.append(1 + self.integer(defaultdict(lambda: [1, 1])))
        degrees, counts, signs = [], defaultdict(lambda: [1, 1]), [1, 1]
        for line in range(n_lines):
            near = [degrees[line - lag] for lag in lags or [1] if lag <= line]
            expected = int(np.floor(np.mean(near) + 0.5)) if near else 0
            size = self.integer(counts, expected > 0)
            negative = size and expected and self.adaptive(signs)
            degrees.append(expected - size if negative else expected + size)
        kept = np.zeros((n_lines, n_ends), int)
        usual = np.full(n_ends, prior)
        for line, left in enumerate(degrees):
            if left in (0, n_ends):
                kept[line] = left > 0
                continue
            near = sum((kept[line - lag] for lag in lags if lag <= line), 0)
            weights = usual * (2 + near)
            for end in range(n_ends):
                if left == n_ends - end:
                    kept[line, end:] = 1
                    break
                tail = int(weights[end:].sum())
                ones = min(left * int(weights[end]), tail - tail // 64 - 1)
                kept[line, end] = left and self.symbol([tail - ones, ones])
                left -= int(kept[line, end])
            usual += 4 * kept[line]
        return (kept if by_inputs else kept.T), lags

    def levels(self, kept, lags, odd):
        largest = self.integer(defaultdict(lambda: [1, 1]))
        if not kept.any():
            return kept
        signs = np.zeros(kept.shape, int)
        rows, columns = np.nonzero(kept)
        counts = [[1, 1] for _ in range(13)]
        parts = [rows == row for row in range(len(kept))] if lags else [rows >= 0]
        for row, part in enumerate(parts):
            near = sum((signs[row - lag] for lag in lags if lag <= row), 0 * kept[0])
            negative = self.batches(counts, (near[columns[part]] + 6).tolist())
            signs[rows[part], columns[part]] = 1 - 2 * np.array(negative, int)
        options = [(1, 1, 0), (1, 1, 1), (4, 1, 0), (4, 4, 0)]
        n_inputs, n_neurons, by_sign = options[self.uniform(4)]
        groups = n_neurons * self.groups(kept.sum(axis=1), n_inputs)[rows]
        groups += self.groups(kept.sum(axis=0), n_neurons)[columns]
        n_groups = n_inputs * n_neurons
        contexts = 2 * groups + (signs[rows, columns] > 0) if by_sign else groups
        counts = [[1] * largest for _ in range(2 * n_groups)]
        if not by_sign:
            counts = counts[:n_groups]
        signs[rows, columns] *= 1 + np.array(self.batches(counts, contexts.tolist()))
        return 2 * signs - np.sign(signs) if odd else signs

    @staticmethod
    def groups(degrees, n_groups):
        groups, before = {}, 0
        for own, end in sorted((own, end) for end, own in enumerate(degrees.tolist())):
            groups[end] = n_groups * (2 * before + own) // (2 * int(degrees.sum()))
            before += own
        return np.array([groups[end] for end in range(len(degrees))])

    def intercepts(self, n):
        lengths = self.batches([[1] * 16], [0] * n)
        negative = self.batches([[1, 1]], [0] * n)
        out = []
        for length, sign in zip(lengths, negative):
            magnitude = 2**length // 2 + self.uniform(max(2**length // 2, 1))
            out.append(-magnitude if sign else magnitude)
        return np.array(out)
