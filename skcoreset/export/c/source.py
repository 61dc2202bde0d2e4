"""The text of exported C, and the tables that it reads from flash."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from itertools import combinations, pairwise, starmap

import numpy as np

from .integers import EXP_TABLE, EXP_UNIT, MAX_EXPONENT, Floats, ScaledBytes, Table

# What avr-gcc takes as one array, and what its pointers reach in flash.
MAX_ARRAY, MAX_TABLES = 32_767, 65_535

CLASS_NAME_LENGTH = 60

# Bits of the numbers that edges are written as; larger ones are two bytes.
NUMBER_BITS = (4, 6, 7, 8, 16)

MAX_REACH = 256

# With no more levels than that, a number is divided by repeated subtraction.
MAX_DIVISIONS = 16

# Different numbers that only go on, at most.
MAX_SKIPS = 16

# The time to put a number together from parts of bytes counts as so many bits.
SLOW_BITS = 0.6

# Machine code that reads a dense layer, whole numbers, or parts of bytes, on AVR.
DENSE_BYTES, WHOLE_BYTES, PARTS_BYTES = 180, 220, 310

# Stands for the name of a function in its text while texts are compared.
UNNAMED = "@"


@dataclass(frozen=True)
class Format:
    """How the edges of a layer are written, neuron after neuron, inputs in order.

    A layer is a line of places, one for each input of each neuron. An edge is a number
    that says its level and how many places further the next edge is. Where that is
    further than edges can say, numbers without a level follow that only go on.

    Parameters
    ----------
    bits : {4, 6, 7, 8, 16}
        Of a number. What is left of each byte is collected, and makes one number more.

    n_levels : int
        Different levels that an edge may have, half of them negative; 0 is none.

    odd : bool, default=False
        Whether all levels are odd numbers, which half as many codes do for.

    reach : int, default=0
        An edge reaches up to so many places further; another number goes so many
        places on, or twice as many, and so on. 0 is a dense layer: of each input the
        level, a byte.
    """

    bits: int = 8
    n_levels: int = 255
    odd: bool = False
    reach: int = 0

    @property
    def n_skips(self):
        """How many numbers there are that only go on."""
        return min((1 << self.bits) - self.n_levels * self.reach, MAX_SKIPS)

    @property
    def longest(self):
        """Places that one number goes on at most."""
        return self.n_skips * self.reach

    @property
    def levels_first(self):
        """Whether an edge is level times reach plus place, or the other way round.

        The factor is a power of two if possible.
        """
        return _is_power(self.reach) or not _is_power(self.n_levels)

    @property
    def function_bytes(self):
        """Machine code that reads it, about."""
        if not self.reach:
            return DENSE_BYTES
        return PARTS_BYTES if self.bits < 8 else WHOLE_BYTES

    @property
    def slowness(self):
        """What a byte counts, as it takes longer to read than a whole number."""
        return 1 if self.bits >= 8 else 1 + SLOW_BITS / self.bits

    @property
    def largest(self):
        """Largest level that has a code."""
        return self.n_levels - 1 if self.odd else self.n_levels // 2

    @property
    def n_whole(self):
        """Bytes whose rests make one number more."""
        return self.bits // (8 - self.bits)

    def takes(self, levels):
        if self.odd and not (levels % 2).all():
            return False
        return np.abs(levels).max(initial=0) <= self.largest

    def size(self, n_edges, distances, counts):
        """Bytes of some edges, by how often there is each distance to the next."""
        skips = np.maximum(distances - 1, 0) // self.reach
        n_numbers = n_edges + counts @ -(-skips // self.n_skips)
        return n_numbers * self.bits / 8

    def numbers(self, levels, distances):
        """Return the numbers of edges, where each begins, and where the first does.

        Parameters
        ----------
        levels : ndarray of shape (n_edges,)

        distances : ndarray of shape (n_edges + 1,)
            From each edge to the next; first, how far the first one is from the
            beginning, and last, how far the last one is from the end.
        """
        if self.odd:
            fields = (levels + self.largest) // 2
        else:
            # no level is 0
            fields = levels + self.largest - (levels > 0)
        near = distances - 1
        near[0] += 1
        far, near = near // self.reach, near % self.reach
        counts = -(-far // self.n_skips)
        sizes = counts + 1
        skips = np.full(sizes.sum(), self.n_skips)
        ends = np.cumsum(sizes)
        partial = counts > 0
        skips[ends[partial] - 1] = (far[partial] - 1) % self.n_skips + 1
        numbers = self.n_levels * self.reach - 1 + skips
        steps = skips * self.reach
        edges = ends - sizes
        near_places = near[1:]
        if self.levels_first:
            numbers[edges[1:]] = fields * self.reach + near_places
        else:
            numbers[edges[1:]] = near_places * self.n_levels + fields
        steps[edges] = near + (np.arange(len(edges)) > 0)
        # what is before the first edge is no number
        return numbers[1:], np.cumsum(steps)[:-1], int(near[0])

    def bytes(self, numbers):
        """Return the bytes of numbers, and which number each is read for."""
        if self.bits >= 8:
            n_bytes = self.bits // 8
            codes = _bytes(numbers.astype(f"u{n_bytes}"))
            return codes.ravel(), np.repeat(np.arange(len(numbers)), n_bytes)
        left, n_bytes = 8 - self.bits, self.n_whole
        groups = np.append(numbers, np.zeros(-len(numbers) % (n_bytes + 1), int))
        groups = groups.reshape(-1, n_bytes + 1)
        shifts = left * np.arange(n_bytes)[::-1]
        rest = groups[:, -1:] >> shifts & ((1 << left) - 1)
        codes = (groups[:, :-1] | rest << self.bits).ravel()
        places = np.arange(groups.size).reshape(groups.shape)[:, :-1].ravel()
        needed = places < len(numbers)
        return codes[needed].astype(np.uint8), places[needed]


@dataclass(frozen=True)
class Types:
    """Types of a layer, or wider ones, so that layers are read by one function.

    Parameters
    ----------
    bias : dtype
        What biases are stored as, without `layer.bias_shift` zero bits.

    sum, unit : dtype
        Of sums, and of biases in their units and of the units.
    """

    bias: np.dtype
    sum: np.dtype
    unit: np.dtype

    @classmethod
    def of(cls, layers):
        biases = [layer.bias >> layer.bias_shift for layer in layers]
        units = [max(np.abs(la.bias).max(), 1 << la.bias_shift) for la in layers]
        return cls(
            np.result_type(
                *(_int_type(end) for b in biases for end in (b.min(), b.max()))
            ),
            # no smaller ones: 8 bits are no faster
            *(
                np.dtype(np.int16 if max(most) < 2**15 else np.int32)
                for most in ([layer.bound for layer in layers], units)
            ),
        )


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer as what is in flash: the bias of each neuron, and its edges.

    Parameters
    ----------
    layer : Layer

    format : Format

    types : Types

    codes : ndarray of uint8

    ends : ndarray of shape (n_out,)
        Where the codes end that are read up to each neuron.

    first : int, default=0
        The place that the first number is for.
    """

    layer: object
    format: Format
    types: Types
    codes: np.ndarray
    ends: np.ndarray
    first: int = 0


class _Edges:
    """The edges of a layer, as a line of places.

    Attributes
    ----------
    levels : ndarray of shape (n_edges,)

    formats : list of Format
        What the layer may be written in.
    """

    def __init__(self, layer):
        self.layer = layer
        places = np.flatnonzero(layer.levels.T)
        self.levels = layer.levels.T.ravel()[places]
        ends = np.concatenate([[0], places, [layer.levels.size]])
        self._distances = np.diff(ends)
        self._counts = np.unique(self._distances, return_counts=True)
        self.formats = list(_formats_of(self.levels))

    def size(self, format_):
        """Bytes that the edges take; infinite where the format has not their levels."""
        if not format_.takes(self.levels):
            return np.inf
        if not format_.reach:
            return self.layer.levels.size
        return format_.size(len(self.levels), *self._counts)

    def coded(self, format_, types):
        layer = self.layer
        n_in, n_out = layer.levels.shape
        if format_.reach:
            numbers, places, first = format_.numbers(self.levels, self._distances)
            codes, read_for = format_.bytes(numbers)
            neurons = places[read_for] // n_in
        else:
            codes, first = layer.levels.T.ravel().astype(np.int8).view(np.uint8), 0
            neurons = np.repeat(np.arange(n_out), n_in)
        # each neuron begins with its bias
        starts = np.searchsorted(neurons, np.arange(n_out))
        head = _bytes((layer.bias >> layer.bias_shift).astype(types.bias))
        codes = np.insert(codes, np.repeat(starts, head.shape[1]), head.ravel())
        ends = np.append(starts[1:], len(neurons)) + head.shape[1] * np.arange(
            1, n_out + 1
        )
        return CodedLayer(layer, format_, types, codes, ends, first)


def _formats_of(levels):
    """Formats with no more levels than these ones need."""
    largest = int(np.abs(levels).max(initial=1))
    ways = [(False, 2 * largest)]
    if (levels % 2).all():
        ways.append((True, largest + 1))
    if largest < 128:
        yield Format()
    for odd, n_levels in ways:
        for bits in NUMBER_BITS:
            most = min(((1 << bits) - 1) // n_levels, MAX_REACH)
            for reach in range(1, most + 1):
                is_fast = n_levels <= MAX_DIVISIONS or _is_power(n_levels)
                if _is_power(reach) or (is_fast and bits <= 8):
                    yield Format(bits, n_levels, odd, reach)


def _is_power(number):
    """Whether it is a power of two."""
    return number & (number - 1) == 0


def code_layers(layers):
    """Write layers in the formats that take least, with the functions that read them.

    Of the formats that are best for each layer two are replaced by one, over and over,
    as long as that makes the whole shorter.
    """
    layers = [_Edges(layer) for layer in layers]
    formats = list(dict.fromkeys(each for layer in layers for each in layer.formats))
    sizes = np.array([[layer.size(each) for each in formats] for layer in layers])

    sizes *= [format_.slowness for format_ in formats]
    functions = np.array([format_.function_bytes for format_ in formats])

    def replaced(first, second):
        """What it takes if each format in turn replaces these two, and the others."""
        kept = [number for number in chosen if number not in (first, second)]
        least = sizes[:, kept].min(axis=1, initial=np.inf, keepdims=True)
        totals = np.minimum(least, sizes).sum(axis=0) + functions
        return totals + functions[kept].sum(), kept

    chosen = sorted(set(sizes.argmin(axis=1).tolist()))
    total = sizes[:, chosen].min(axis=1).sum() + functions[chosen].sum()
    while len(chosen) > 1:
        totals, kept = min(
            starmap(replaced, combinations(chosen, 2)), key=lambda pair: pair[0].min()
        )
        if totals.min() >= total:
            break
        total, chosen = totals.min(), sorted({*kept, int(totals.argmin())})
    best = [chosen[row.argmin()] for row in sizes[:, chosen]]
    together = {
        number: Types.of([edges.layer for edges, b in zip(layers, best) if b == number])
        for number in chosen
    }
    return [edges.coded(formats[b], together[b]) for edges, b in zip(layers, best)]


def _bytes(array):
    """The bytes of each number, the lowest first."""
    return array.astype(array.dtype.newbyteorder("<"))[:, np.newaxis].view(np.uint8)


def _split(layers):
    """Put layers in one array, cut between neurons where it is too long for AVR.

    Returns
    -------
    blocks : list of uint8 ndarrays

    firsts : list of int
        First neuron of each block, counted through all layers.
    """
    codes = np.concatenate([coded.codes for coded in layers])
    sizes = [np.diff(coded.ends, prepend=0) for coded in layers]
    ends = np.cumsum(np.concatenate(sizes))
    blocks, firsts, start, first = [], [], 0, 0
    while first < len(ends):
        # at least one neuron
        end = np.searchsorted(ends, start + MAX_ARRAY, side="right")
        end = max(int(end), first + 1)
        blocks.append(codes[start : ends[end - 1]])
        firsts.append(first)
        first, start = end, ends[end - 1]
    return blocks, firsts


def table_sizes(program, codes=True):
    """Bytes of each table of a program, with or without those of edges."""
    source = program._network.source
    arrays = [
        layer.activation.entries.astype(np.int16)
        for layer in program._network.layers
        if isinstance(layer.activation, Table)
    ]
    arrays += _split(program._coded)[0] if codes else []
    if isinstance(source, ScaledBytes):
        arrays.append(source.factors.astype(np.uint16))
    if isinstance(source, Floats):
        arrays += _float_tables(source)
    if program._uses_exp:
        arrays.append(EXP_TABLE.astype(np.uint16))
    return [array.nbytes for array in arrays]


def code_bytes(layers, values):
    """Bytes of coded layers, and about of the functions that read them.

    Parameters
    ----------
    layers : list of CodedLayer

    values : Values
        What enters the first one.
    """
    kinds = set()
    for coded in layers:
        kinds.add((coded.format, values.ctype, coded.types))
        values = coded.layer.activation and coded.layer.activation.values
    functions = sum(format_.function_bytes for format_, *_ in kinds)
    return functions + sum(coded.codes.size for coded in layers)


def _int_type(number):
    """The smallest signed type."""
    return np.result_type(np.int8, np.min_scalar_type(min(number, -number - 1)))


def _float_tables(source):
    """Centers and factors, one of each where all are equal."""
    return [
        array[:1] if (array == array[0]).all() else array
        for array in (source.centers, source.factors)
    ]


def write_source(program):
    """Return the C code of a program."""
    name, network = program.name, program._network
    coded = program._coded
    tables, functions, neurons = [], [], []
    place_type = _place_type(coded)
    source = network.source
    if isinstance(source, ScaledBytes):
        tables.append(_table(name, "factors", source.factors.astype(np.uint16)))
    if isinstance(source, Floats):
        for key, array in zip(("centers", "factors"), _float_tables(source)):
            tables.append(_table(name, key, array))
    values = source.values
    for number, layer in enumerate(coded):
        if isinstance(layer.layer.activation, Table):
            entries = layer.layer.activation.entries.astype(np.int16)
            tables.append(_table(name, f"tanh{number}", entries))
        scaled = source if number == 0 and isinstance(source, ScaledBytes) else None
        neuron = _neuron_function(name, UNNAMED, layer, scaled, values, place_type)
        if neuron not in neurons:
            neurons.append(neuron)
            function = f"{name}_neuron{len(neurons) - 1}"
            functions.append(neuron.replace(UNNAMED, function))
        function = f"{name}_neuron{neurons.index(neuron)}"
        in_type = "uint8_t" if scaled else values.ctype
        functions.append(
            _layer_function(
                name, number, layer, function, in_type, _is_indexed(layer, scaled)
            )
        )
        values = layer.layer.activation and layer.layer.activation.values
    blocks, firsts = _split(coded)
    tables += [_table(name, f"codes{part}", block) for part, block in enumerate(blocks)]
    functions.append(_sums_function(program, firsts))
    if program._uses_exp:
        tables.append(_table(name, "powers", EXP_TABLE.astype(np.uint16)))
        functions.append(_power_function(name))
    public, definitions = _public_functions(program)
    prototypes = "\n".join(f"{declaration};" for declaration in public)
    parts = [
        _comment(program, public),
        "#include <stdint.h>",
        _macros(program),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n'
        f"{prototypes}\n"
        "#ifdef __cplusplus\n}\n#endif",
        *tables,
        _state(name, coded, place_type),
        *functions,
        *definitions,
    ]
    return "\n\n".join(parts) + "\n"


def _place_type(coded):
    """A signed type of places, from before a neuron's last to far behind it."""
    ends = [(-len(each.layer.levels), each.format.longest) for each in coded]
    types = [_int_type(end) for each in ends for end in each]
    return f"{np.result_type(np.int16, *types)}_t"


def _state(name, coded, place_type):
    """Variables that say where in the tables the reading is."""
    lines = [
        "/* What of the tables is read next, and the input that it is for. */",
        f"static const uint8_t *{name}_next;",
    ]
    formats = [layer.format for layer in coded]
    if any(format_.reach for format_ in formats):
        lines.append(f"static {place_type} {name}_i;")
    keys = dict.fromkeys(key for each in formats for key in _number_state(each))
    return "\n".join([*lines, *(f"static uint8_t {name}_{key};" for key in keys)])


def _comment(program, public):
    network = program._network
    source = network.source
    if isinstance(source, Floats):
        inputs = "in the units that the network was trained on"
    elif np.ptp(source.scale) == np.ptp(source.offset) == 0:
        inputs = f"u means {source.offset[0]:.9g} + {source.scale[0]:.9g} * u"
    else:
        inputs = "each u has the offset and scale given to to_c"
    lines = [
        "Generated by skcoreset: a neural network in integers. C99; no libraries.",
        "",
        *(f"{declaration};" for declaration in public),
        "",
        f"x: {program.n_features_in_} inputs; {inputs}.",
        "The buffers are static: a call must have ended before the next one starts.",
    ]
    if program.is_classifier:
        what = "Labels" if program.is_multilabel else "Classes"
        lines += ["", f"{what}:"]
        lines += [
            f"{index}: {_comment_text(label)}"
            for index, label in enumerate(program.classes_.tolist())
        ]
    return "/* " + "\n".join(f" * {line}".rstrip() for line in lines)[3:] + "\n */"


def _comment_text(label):
    """A class name that cannot end the comment or start a trigraph."""
    text = ascii(label)
    if len(text) > CLASS_NAME_LENGTH:
        text = text[:CLASS_NAME_LENGTH] + "..."
    for pair in ("*/", "/*", "??"):
        text = text.replace(pair, " ".join(pair))
    return text.replace("??", "? ?")


def _macros(program):
    upper = program.name.upper()
    sizes = table_sizes(program)
    too_large = ""
    if max(sizes) > MAX_ARRAY or sum(sizes) > MAX_TABLES:
        too_large = (
            f'\n#error "tables of {sum(sizes)} bytes, the largest of {max(sizes)}: '
            f'AVR reads {MAX_TABLES} of flash, in arrays of up to {MAX_ARRAY}"'
        )
    return f"""\
#ifdef __AVR__{too_large}
#include <avr/pgmspace.h>
#define {upper}_FLASH PROGMEM
#define {upper}_APART __attribute__((noinline))
#define {upper}_READ8(p) pgm_read_byte(p)
#define {upper}_READ16(p) pgm_read_word(p)
#define {upper}_READ32(p) pgm_read_dword(p)
#define {upper}_READ_FLOAT(p) pgm_read_float(p)
#else
#define {upper}_FLASH
#define {upper}_APART
#define {upper}_READ8(p) (*(p))
#define {upper}_READ16(p) (*(p))
#define {upper}_READ32(p) (*(p))
#define {upper}_READ_FLOAT(p) (*(p))
#endif"""


def _ctype(array):
    return "float" if array.dtype == np.float32 else f"{array.dtype}_t"


def _table(name, key, array):
    """The definition of a table, in lines of at most 79 characters."""
    to_text = _float_text if array.dtype == np.float32 else str
    lines, line = [], "   "
    # C knows no empty array
    for word in map(to_text, array.tolist() or [0]):
        if len(line) + len(word) > 77:
            lines.append(line)
            line = "   "
        line += f" {word},"
    body = "\n".join([*lines, line])
    return (
        f"static const {_ctype(array)} {name}_{key}[{array.size or 1}] "
        f"{name.upper()}_FLASH = {{\n{body}\n}};"
    )


def _float_text(x):
    text = f"{x:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _read(name, key, array, position):
    """The expression of an entry of a table."""
    width = "_FLOAT" if array.dtype == np.float32 else 8 * array.itemsize
    # what is read from flash on AVR is unsigned
    cast = f"({_ctype(array)})" if array.dtype.kind == "i" else ""
    return f"{cast}{name.upper()}_READ{width}({name}_{key} + {position})"


def _counter(largest):
    """The smallest unsigned type that counts so far."""
    return f"{np.min_scalar_type(largest)}_t"


def _neuron_function(name, function, coded, source, values, place_type):
    """A function that returns the sum of the next neuron.

    Its bias is a number of units, which the last parameter is.

    Parameters
    ----------
    function : str
        Its name.

    source : ScaledBytes or None
        What the first layer reads, if each input is multiplied first.

    values : Values
        What enters the layer.

    place_type : str
        Type of places.
    """
    format_, types = coded.format, coded.types
    sum_type, unit_type = f"{types.sum}_t", f"{types.unit}_t"
    read = f"{name.upper()}_READ8(p++)"
    in_type = "uint8_t" if source is not None else values.ctype
    if source is not None:
        factor = _read(name, "factors", source.factors.astype(np.uint16), "(n_in + i)")
        half = 1 << (source.shift - 1)
        value = f"(int32_t)(((uint32_t){factor} * x[i] + {half}) >> {source.shift})"
    else:
        value = "x[i]" if format_.reach else "*x"
    add = _sum_code(values, value, types.sum, is_scaled=source is not None)
    state = _number_state(format_)
    is_indexed = _is_indexed(coded, source)
    before, after = [], []
    if is_indexed:
        # x is the end, and i counts up to 0, which is a short test
        start = f"{name}_i - n_in" if format_.reach else "-n_in"
        before = [f"{place_type} i = ({place_type})({start});"]
    if format_.reach:
        loop = ["while (i < 0) {", *_edge_code(format_, read, add), "}"]
        after = [f"{name}_i = i;"]
    else:
        step = "++i" if source is not None else "--n_in, ++x"
        loop = [
            f"for (; {'i' if source is not None else 'n_in'}; {step}) {{",
            f"    int8_t level = (int8_t){read};",
            *(f"    {line}" for line in add),
            "}",
        ]
    lines = [
        f"const uint8_t *p = {name}_next;",
        *before,
        *(f"uint8_t {key} = {name}_{key};" for key in state),
        f"{unit_type} bias;",
        f"{sum_type} sum;",
        *_read_number("bias", types.bias, read),
        f"sum = ({sum_type})({unit_type})(bias * unit);",
        *loop,
        f"{name}_next = p;",
        *after,
        *(f"{name}_{key} = {key};" for key in state),
        "return sum;",
    ]
    return "\n".join(
        [
            # inlined, it gets too few registers on AVR
            f"static {name.upper()}_APART {sum_type}",
            f"{function}(const {in_type} *x, {place_type} n_in, {unit_type} unit)",
            "{",
            *(f"    {line}" for line in lines),
            "}",
        ]
    )


def _is_indexed(coded, source):
    """Whether inputs are taken at indices, counted from the end."""
    return bool(coded.format.reach) or source is not None


def _sum_code(values, value, sum_type, is_scaled):
    """Statements that add level times value."""
    product = f"level * {value}" if values.peak < 256 else f"(int32_t)level * {value}"
    add = f"sum += ({sum_type}_t)({product});"
    if not values.is_signed and not is_scaled:
        # pixels and ReLU are 0 more often than not
        return [f"if ({value})", f"    {add}"]
    return [add]


def _read_number(variable, dtype, read):
    """Statements that read a number, the lowest byte first."""
    dtype = np.dtype(dtype)
    if dtype.itemsize == 1:
        return [f"{variable} = ({dtype}_t){read};"]
    unsigned = f"uint{8 * dtype.itemsize}_t"
    lines = [f"{unsigned} bits = {read};"]
    lines += [
        f"bits |= ({unsigned})(({unsigned}){read} << {8 * k});"
        for k in range(1, dtype.itemsize)
    ]
    lines.append(f"{variable} = ({dtype}_t)bits;")
    return ["{", *(f"    {line}" for line in lines), "}"]


def _log2(number):
    return number.bit_length() - 1


def _number_state(format_):
    """Names of what says which parts of bytes are left."""
    return ["rest", "left"] if format_.bits < 8 else []


def _number_code(format_, read):
    """Statements that read the next number."""
    bits = format_.bits
    match bits:
        case 16:
            return [
                f"uint16_t code = {read};",
                f"code |= (uint16_t)((uint16_t){read} << 8);",
            ]
        case 8:
            return [f"uint8_t code = {read};"]
    mask = (1 << bits) - 1
    # before the first rest of several there is nothing
    kept = f"rest << {8 - bits} | " if format_.n_whole > 1 else ""
    return [
        "uint8_t code;",
        "if (left) {",
        "    --left;",
        f"    code = {read};",
        f"    rest = (uint8_t)({kept}code >> {bits});",
        "} else {",
        f"    left = {format_.n_whole};",
        "    code = rest;",
        "}",
        f"code &= {mask};",
    ]


def _edge_code(format_, read, add):
    """Statements of the loop: a number, its level times the value, the way to go on."""
    reach, n_levels, largest = format_.reach, format_.n_levels, format_.largest
    n_codes = n_levels * reach
    skip_type = _counter(format_.longest)
    # of a type that holds it
    level_type = "int8_t" if largest < 128 else "int16_t"
    if _is_power(reach):
        split = [f"level = ({level_type})(code >> {_log2(reach)});"]
        split.append(f"code &= {reach - 1};")
    elif format_.levels_first:
        half = n_levels // 2 * reach
        split = [
            "level = 0;",
            f"if (code >= {half}) {{",
            f"    code = (uint8_t)(code - {half});",
            f"    level = {n_levels // 2};",
            "}",
            f"for (; code >= {reach}; ++level)",
            f"    code = (uint8_t)(code - {reach});",
        ]
    else:
        split = [f"level = ({level_type})(code & {n_levels - 1});"]
        split.append(f"code >>= {_log2(n_levels)};")
    if format_.odd:
        signed = [f"level = ({level_type})(2 * level - {largest});"]
    else:
        signed = [f"level = ({level_type})(level - {largest});"]
        signed += ["if (level >= 0)", "    ++level;"]
    # in 8 bits, as long as they do
    step = ["++code;", "i += code;"] if reach < 256 else ["i += code + 1;"]
    lines = [
        f"{level_type} level;",
        *_number_code(format_, read),
        f"if (code >= {n_codes}) {{",
        f"    i += ({skip_type})((code - {n_codes - 1}) * {reach});",
        "    continue;",
        "}",
        *split,
        *signed,
        *add,
        *step,
    ]
    return [f"    {line}" for line in lines]


def _layer_function(name, number, coded, neuron, in_type, is_indexed):
    """A function that computes some neurons of a layer."""
    layer = coded.layer
    n_in = len(layer.levels)
    x = f"x + {n_in}" if is_indexed else "x"
    out_type = (
        layer.activation.values.ctype if layer.activation else f"{coded.types.sum}_t"
    )
    lines = [
        f"static void {name}_layer{number}(const {in_type} *x, {out_type} *y, "
        f"{_counter(len(layer.bias))} n)",
        "{",
        "    for (; n; --n) {",
        f"        {coded.types.sum}_t sum = {neuron}({x}, {n_in}, "
        f"{1 << layer.bias_shift});",
        *(f"        {line}" for line in _activation_code(name, number, layer)),
        "    }",
        "}",
    ]
    return "\n".join(lines)


def _activation_code(name, number, layer):
    """Statements from the sum to the value."""
    activation = layer.activation
    if activation is None:
        return ["*y++ = sum;"]
    if isinstance(activation, Table):
        return _table_code(name, number, layer)
    values, shift = activation.values, activation.shift
    if values.is_signed:
        shifted = f"sum < 0 ? ~(~sum >> {shift}) : sum >> {shift}"
    else:
        shifted = f"sum < 0 ? 0 : sum >> {shift}"
    lines = [f"sum = {shifted};"]
    # as sums are bounded, some cannot saturate
    if layer.bound >> shift > values.peak:
        lines += [f"if (sum > {values.peak})", f"    sum = {values.peak};"]
        if values.is_signed:
            lines += [f"if (sum < -{values.peak})", f"    sum = -{values.peak};"]
    return [*lines, f"*y++ = ({values.ctype})sum;"]


def _table_code(name, number, layer):
    """Statements of tanh by a table."""
    activation = layer.activation
    shift, bits = activation.shift, activation.fraction_bits
    entries = activation.entries.astype(np.int16)
    magnitude_type = "uint16_t" if layer.bound < 2**15 else "uint32_t"
    low = _read(name, f"tanh{number}", entries, "i")
    high = _read(name, f"tanh{number}", entries, "i + 1")
    fraction = f"(magnitude >> {shift - bits}) & {(1 << bits) - 1}"
    half = (1 << activation.rounding) >> 1
    return [
        f"{magnitude_type} magnitude = ({magnitude_type})(sum < 0 ? -sum : sum);",
        f"{magnitude_type} i = magnitude >> {shift};",
        f"int32_t value = {activation.values.peak};",
        f"if (i < {len(entries) - 1}) {{",
        f"    int32_t low = {low};",
        f"    value = low + (({high} - low) * (int32_t)({fraction}) >> {bits});",
        f"    value = (value + {half}) >> {activation.rounding};",
        "}",
        f"*y++ = ({activation.values.ctype})(sum < 0 ? -value : value);",
    ]


def _sums_function(program, firsts):
    """The function from the inputs to the sums of the last layer."""
    name, source = program.name, program._network.source
    coded = program._coded
    declarations, body = [], []
    x, done = "x", 0
    if isinstance(source, Floats):
        n, peak = program.n_features_in_, source.values.peak
        centers, factors = _float_tables(source)
        center = _read(name, "centers", centers, "i" if centers.size > 1 else "0")
        factor = _read(name, "factors", factors, "i" if factors.size > 1 else "0")
        declarations += [
            f"static int16_t v[{n}];",
            f"{_counter(n)} i;",
        ]
        body += [
            f"for (i = 0; i < {n}; ++i) {{",
            f"    float value = x[i] - {center};",
            f"    value *= {factor};",
            "    /* NaN becomes the lowest value */",
            f"    if (!(value > -{peak}.0f))",
            f"        value = -{peak}.0f;",
            f"    if (value > {peak}.0f)",
            f"        value = {peak}.0f;",
            "    v[i] = (int16_t)(value < 0.0f ? value - 0.5f : value + 0.5f);",
            "}",
        ]
        x = "v"
    for number, layer in enumerate(coded):
        activation = layer.layer.activation
        y = "sums"
        if activation:
            y = f"a{number}"
            width = len(layer.layer.bias)
            declarations.append(f"static {activation.values.ctype} {y}[{width}];")
        end = done + len(layer.layer.bias)
        # a layer goes on where an array ends
        cuts = [done, *(first for first in firsts if done < first < end), end]
        if layer.format.reach:
            body.append(f"{name}_i = {layer.first};")
        if layer.format.bits < 8:
            body.append(f"{name}_left = {layer.format.n_whole};")
        for first, last in pairwise(cuts):
            if first in firsts:
                body.append(f"{name}_next = {name}_codes{firsts.index(first)};")
            to = f"{y} + {first - done}" if first > done else y
            body.append(f"{name}_layer{number}({x}, {to}, {last - first});")
        done = end
        x = y
    lines = [f"    {line}" for line in (*declarations, *body)]
    sum_type = f"{coded[-1].types.sum}_t"
    head = f"static void {name}_sums(const {source.ctype} *x, {sum_type} *sums)"
    return "\n".join([head, "{", *lines, "}"])


def _power_function(name):
    """The function that is `power_of_two` in Python."""
    powers = EXP_TABLE.astype(np.uint16)
    peak = _float_text(float(MAX_EXPONENT))
    return f"""\
/* 2^(t / 65536) */
static float {name}_power(float t)
{{
    int32_t q, octaves, low, high;
    uint16_t fraction;
    float power;
    if (t < -{peak})
        t = -{peak};
    if (t > {peak})
        t = {peak};
    q = (int32_t)t;
    octaves = q < 0 ? ~(~q >> 16) : q >> 16;
    fraction = (uint16_t)(q - octaves * 65536);
    low = {_read(name, "powers", powers, "(fraction >> 10)")};
    high = {_read(name, "powers", powers, "(fraction >> 10) + 1")};
    power = (float)(low + ((high - low) * (fraction & 1023) >> 10));
    power *= {_float_text(float(EXP_UNIT))};
    for (; octaves > 0; --octaves)
        power *= 2.0f;
    for (; octaves < 0; ++octaves)
        power *= 0.5f;
    return power;
}}"""


def _public_functions(program):
    """Declarations and definitions of what is called from outside."""
    name, network, n = program.name, program._network, program.n_outputs_
    x = f"const {network.source.ctype} *x"
    # on the stack of AVR it would take more code
    sums = f"    static {program._coded[-1].types.sum}_t sums[{n}];"
    compute = f"    {name}_sums(x, sums);"
    each = f"    for (k = 0; k < {n}; ++k)"
    counter = f"    {_counter(n)} k;"
    unit = _float_text(float(network.exponent_unit))
    if not program.is_classifier:
        if network.out_activation == "exp":
            value = f"{name}_power((float)sums[k] * {unit})"
        else:
            value = f"(float)sums[k] * {_float_text(float(network.float_unit))}"
        if n == 1:
            head, k = f"float {name}({x})", []
            result = [f"    return {value.replace('[k]', '[0]')};"]
        else:
            head, k = f"void {name}({x}, float *y)", [counter]
            result = [each, f"        y[k] = {value};"]
        return [head], [_function(head, [sums, *k, compute, *result])]
    if program.is_multilabel:
        head, k = f"void {name}({x}, uint8_t *labels)", [counter]
        result = [each, "        labels[k] = sums[k] > 0;"]
    elif n == 1:
        head, k = f"int {name}({x})", []
        result = ["    return sums[0] > 0;"]
    else:
        head, k = f"int {name}({x})", [f"    {_counter(n)} k, best = 0;"]
        result = [
            f"    for (k = 1; k < {n}; ++k)",
            "        if (sums[k] > sums[best])",
            "            best = k;",
            "    return best;",
        ]
    heads = [head]
    definitions = [_function(head, [sums, *k, compute, *result])]
    if program._probabilities:
        head = f"void {name}_proba({x}, float *p)"
        heads.append(head)
        if network.out_activation == "softmax":
            lines = [
                f"    {_counter(n)} k, best = 0;",
                "    float total = 0.0f;",
                compute,
                f"    for (k = 1; k < {n}; ++k)",
                "        if (sums[k] > sums[best])",
                "            best = k;",
                f"    for (k = 0; k < {n}; ++k) {{",
                f"        p[k] = {name}_power((float)(sums[k] - (int32_t)sums[best]) * "
                f"{unit});",
                "        total += p[k];",
                "    }",
                each,
                "        p[k] /= total;",
            ]
        else:
            lines = [counter, compute, f"    for (k = 0; k < {n}; ++k) {{"]
            lines += [
                f"        float t = (float)sums[k] * {unit};",
                f"        float e = {name}_power(t < 0.0f ? t : -t);",
                f"        p[{'k' if program.is_multilabel else '1'}] = "
                "(t < 0.0f ? e : 1.0f) / (1.0f + e);",
                "    }",
            ]
            if not program.is_multilabel:
                lines.append("    p[0] = 1.0f - p[1];")
        definitions.append(_function(head, [sums, *lines]))
    return heads, definitions


def _function(head, lines):
    return "\n".join([head, "{", *lines, "}"])
