"""The text of exported C, and the tables that it reads from flash."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ._integer import EXP_TABLE, EXP_UNIT, MAX_EXPONENT, Floats, ScaledBytes, Table

# What avr-gcc takes as one array, and what its pointers reach in flash.
MAX_ARRAY, MAX_TABLES = 32_767, 65_535

CLASS_NAME_LENGTH = 60

# Stands for the name of a function in its text while texts are compared.
UNNAMED = "@"


@dataclass(frozen=True)
class Format:
    """How the edges of a neuron are written, inputs in order.

    Parameters
    ----------
    kind : {"dense", "nibble", "byte", "pair"}
        "dense" writes the level of every input in a byte. The others write edges only:
        "nibble" a nibble for each, and nibbles that skip some inputs before it; "byte"
        the number of inputs skipped and the level in one byte, "pair" in two.

    level_bits : int
        Bits of a level that is not 0, counted from the lowest.

    odd : bool, default=False
        Whether all levels are odd numbers, which half as many codes do for.
    """

    kind: str
    level_bits: int = 8
    odd: bool = False

    @property
    def n_skips(self):
        """Largest number of inputs that a nibble skips; the number of such nibbles."""
        return 16 - (1 << self.level_bits)

    @property
    def escape(self):
        """The gap that stands for no edge.

        With a level in the same byte, counted from 0, it skips level + 1 times as many
        inputs; in a byte of its own, once.
        """
        return (1 << (16 if self.kind == "pair" else 8) - self.level_bits) - 1

    def takes(self, levels, gaps):
        if self.kind == "dense":
            return -128 <= levels.min(initial=0) <= levels.max(initial=0) <= 127
        if self.kind == "nibble" and not self.n_skips and gaps.any():
            return False
        if self.odd and not (levels % 2).all():
            return False
        return np.abs(levels).max(initial=0) <= self.largest

    @property
    def largest(self):
        """Largest level that has a code."""
        n_levels = 1 << (self.level_bits - 1)
        return 2 * n_levels - 1 if self.odd else n_levels

    def fields(self, levels):
        """Return the code of each level, counted from 0."""
        if self.odd:
            return (levels + self.largest) // 2
        # no level is 0
        return levels + self.largest - (levels > 0)

    def units(self, fields, gaps):
        """Return codes, nibbles or bytes, of edges, and how many each edge takes."""
        match self.kind:
            case "nibble":
                return _with_skips(
                    fields[:, np.newaxis],
                    -(-gaps // max(self.n_skips, 1)),
                    15,
                    15 - (-gaps % max(self.n_skips, 1)),
                )
            case "byte":
                skips, gaps = gaps // self.escape, gaps % self.escape
                most = 1 << self.level_bits
                n_escapes = -(-skips // most)
                shift = 8 - self.level_bits
                return _with_skips(
                    (fields << shift | gaps)[:, np.newaxis],
                    n_escapes,
                    255,
                    255 - (-skips % most << shift),
                )
            case _:
                skips, gaps = gaps // self.escape, gaps % self.escape
                return _with_skips(np.column_stack([gaps, fields]), skips, 255, 255)


FORMATS = [
    Format("dense"),
    *(
        Format(kind, bits, odd)
        for odd in (False, True)
        for kind, all_bits in (("nibble", range(1, 5)), ("byte", range(1, 8)))
        for bits in all_bits
    ),
    Format("pair"),
    Format("pair", odd=True),
]


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer as what is in flash: for each neuron its bias and its edges.

    Parameters
    ----------
    layer : Layer

    format : Format

    bias_type : dtype
        What the bias is stored as, without `layer.bias_shift` zero bits.

    count_type : dtype or None
        Of the number of codes that follow the bias: nibbles, or bytes, where a pair
        counts as one. None for a dense layer.

    codes : ndarray of uint8

    ends : ndarray of shape (n_out,)
        Where the codes of each neuron end.
    """

    layer: object
    format: Format
    bias_type: np.dtype
    count_type: np.dtype
    codes: np.ndarray
    ends: np.ndarray

    @property
    def has_short_bias(self):
        """Whether biases in units of sums have 16 bits, and so have their units."""
        largest = max(np.abs(self.layer.bias).max(), 1 << self.layer.bias_shift)
        return largest < 2**15

    @property
    def sum_type(self):
        return "int16_t" if self.layer.bound < 2**15 else "int32_t"


def code_layer(layer):
    """Write a layer in the format that takes least."""
    neurons, inputs = np.nonzero(layer.levels.T)
    levels = layer.levels[inputs, neurons]
    starts = np.ones(len(neurons), bool)
    starts[1:] = neurons[1:] != neurons[:-1]
    gaps = np.where(starts, inputs, np.diff(inputs, prepend=-1) - 1)
    candidates = [
        _code(layer, format_, neurons, levels, gaps)
        for format_ in FORMATS
        if format_.takes(levels, gaps)
    ]
    return min(candidates, key=lambda coded: coded.codes.size)


def _code(layer, format_, neurons, levels, gaps):
    bias = layer.bias >> layer.bias_shift
    bias = bias.astype(np.result_type(*map(_int_type, (bias.min(), bias.max()))))
    headers, count_type = _bytes(bias), None
    n_out = len(bias)
    if format_.kind == "dense":
        codes = layer.levels.T.ravel().astype(np.int8).view(np.uint8)
        sizes = np.full(n_out, len(layer.levels))
    else:
        codes, sizes, counts = _sparse_codes(format_, neurons, levels, gaps, n_out)
        counts = counts.astype(np.min_scalar_type(counts.max()))
        headers, count_type = np.hstack([headers, _bytes(counts)]), counts.dtype
    starts = np.cumsum(sizes) - sizes
    codes = np.insert(codes, np.repeat(starts, headers.shape[1]), headers.ravel())
    ends = np.cumsum(sizes + headers.shape[1])
    return CodedLayer(layer, format_, bias.dtype, count_type, codes, ends)


def _sparse_codes(format_, neurons, levels, gaps, n_out):
    """Bytes, and for each neuron its number of bytes and of codes."""
    units, n_units_of_edges = format_.units(format_.fields(levels), gaps)
    n_units = np.bincount(neurons, n_units_of_edges, n_out).astype(np.int64)
    counts = n_units
    if format_.kind == "pair":
        counts = n_units - np.bincount(neurons, minlength=n_out)
    if format_.kind == "nibble":
        # each neuron starts with a byte
        units = np.insert(units, np.cumsum(n_units)[n_units % 2 == 1], 0)
        units = units[::2] | units[1::2] << 4
        n_units = (n_units + 1) // 2
    return units.astype(np.uint8), n_units, counts


def _bytes(array):
    """The bytes of each number, the lowest first."""
    return array.astype(array.dtype.newbyteorder("<"))[:, np.newaxis].view(np.uint8)


def _with_skips(codes, n_skips, longest, last):
    """Put codes that skip, all but the last of them the longest, before others.

    Returns
    -------
    units : ndarray of int

    sizes : ndarray of shape (n_edges,)
    """
    sizes = n_skips + codes.shape[1]
    first = np.cumsum(sizes) - codes.shape[1]
    units = np.full(sizes.sum(), longest)
    partial = n_skips > 0
    units[first[partial] - 1] = np.broadcast_to(last, sizes.shape)[partial]
    for k, column in enumerate(codes.T):
        units[first + k] = column
    return units, sizes


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


def table_sizes(program):
    """Bytes of each table of a program."""
    source = program._network.source
    arrays = [
        layer.activation.entries.astype(np.int16)
        for layer in program._network.layers
        if isinstance(layer.activation, Table)
    ]
    arrays += _split(program._coded)[0]
    if isinstance(source, ScaledBytes):
        arrays.append(source.factors.astype(np.uint16))
    if isinstance(source, Floats):
        arrays += _float_tables(source)
    if program._uses_exp:
        arrays.append(EXP_TABLE.astype(np.uint16))
    return [array.nbytes for array in arrays]


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
        neuron = _neuron_function(name, UNNAMED, layer, scaled, values)
        if neuron not in neurons:
            neurons.append(neuron)
            function = f"{name}_neuron{len(neurons) - 1}"
            functions.append(neuron.replace(UNNAMED, function))
        function = f"{name}_neuron{neurons.index(neuron)}"
        in_type = "uint8_t" if scaled else values.ctype
        functions.append(_layer_function(name, number, layer, function, in_type))
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
        f"/* What of the tables is read next. */\nstatic const uint8_t *{name}_next;",
        *functions,
        *definitions,
    ]
    return "\n\n".join(parts) + "\n"


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


def _neuron_function(name, function, coded, source, values):
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
    """
    n_in, sum_type = len(coded.layer.levels), coded.sum_type
    read = f"{name.upper()}_READ8(p++)"
    place, value, parameter = "v", "*v", f"const {values.ctype} *v"
    declarations = [f"const uint8_t *p = {name}_next;"]
    if source is not None:
        factor = _read(name, "factors", source.factors.astype(np.uint16), "i")
        half = 1 << (source.shift - 1)
        value = f"(int32_t)(((uint32_t){factor} * x[i] + {half}) >> {source.shift})"
        place, parameter = "i", "const uint8_t *x"
        declarations.append(f"{_counter(n_in)} i = 0;")
    if coded.format.kind == "nibble":
        declarations.append("uint8_t byte = 0, odd = 0;")
    # 16 bits are multiplied faster, and by less code
    unit_type = "int16_t" if coded.has_short_bias else "int32_t"
    declarations.append(f"{unit_type} bias;")
    lines = _read_number("bias", coded.bias_type, read)
    lines.append(f"sum = ({sum_type})({unit_type})(bias * unit);")
    if coded.count_type is None:
        declarations.append(f"{_counter(n_in)} n = {n_in};")
    else:
        declarations.append(f"{coded.count_type}_t n;")
        lines += _read_number("n", coded.count_type, read)
    lines = [
        # inlined, it gets too few registers on AVR
        f"static {name.upper()}_APART {sum_type}",
        f"{function}({parameter}, {unit_type} unit)",
        "{",
        *(f"    {line}" for line in (*declarations, f"{sum_type} sum;", *lines)),
        "    for (; n; --n) {",
        *(f"        {line}" for line in _edge_code(coded.format, read, place)),
        *(f"        {line}" for line in _sum_code(values, value, sum_type)),
        f"        ++{place};",
        "    }",
        f"    {name}_next = p;",
        "    return sum;",
        "}",
    ]
    return "\n".join(lines)


def _sum_code(values, value, sum_type):
    """Statements that add level times value."""
    product = f"level * {value}" if values.peak < 256 else f"(int32_t)level * {value}"
    add = f"sum += ({sum_type})({product});"
    if value == "*v" and not values.is_signed:
        # pixels and ReLU are 0 more often than not
        return ["if (*v)", f"    {add}"]
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


def _edge_code(format_, read, place):
    """Statements that move on to the next edge and set its level."""
    escape, zero = format_.escape, 1 << (format_.level_bits - 1)
    signed = [f"level -= {zero};", "if (level >= 0)", "    ++level;"]
    if format_.odd:
        # of a type that holds it: the largest level is below 256
        level_type = "int8_t" if format_.largest < 128 else "int16_t"
        signed = [f"level = ({level_type})(2 * level - {format_.largest});"]
    match format_.kind:
        case "dense":
            return [f"int8_t level = (int8_t){read};"]
        case "nibble":
            skip = [
                f"if (level > {2 * zero - 1}) {{",
                f"    {place} += (uint8_t)(level - {2 * zero - 1});",
                "    continue;",
                "}",
            ]
            return [
                "int8_t level;",
                f"byte = odd ? byte >> 4 : {read};",
                "odd = !odd;",
                "level = byte & 15;",
                *(skip if format_.n_skips else []),
                *signed,
            ]
        case "byte":
            return [
                f"uint8_t code = {read};",
                f"uint8_t gap = code & {escape};",
                f"int8_t level = (int8_t)(code >> {8 - format_.level_bits});",
                f"{place} += gap;",
                f"if (gap == {escape}) {{",
                f"    {place} += (uint16_t)level * {escape};",
                "    continue;",
                "}",
                *signed,
            ]
        case _:
            return [
                f"uint8_t gap = {read};",
                "int16_t level;",
                f"{place} += gap;",
                f"if (gap == {escape})",
                "    continue;",
                f"level = {read};",
                *signed,
            ]


def _layer_function(name, number, coded, neuron, in_type):
    """A function that computes some neurons of a layer."""
    layer = coded.layer
    out_type = layer.activation.values.ctype if layer.activation else coded.sum_type
    lines = [
        f"static void {name}_layer{number}(const {in_type} *x, {out_type} *y, "
        f"{_counter(len(layer.bias))} n)",
        "{",
        "    for (; n; --n) {",
        f"        {coded.sum_type} sum = {neuron}(x, {1 << layer.bias_shift});",
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
        for first, last in pairwise(cuts):
            if first in firsts:
                body.append(f"{name}_next = {name}_codes{firsts.index(first)};")
            to = f"{y} + {first - done}" if first > done else y
            body.append(f"{name}_layer{number}({x}, {to}, {last - first});")
        done = end
        x = y
    lines = [f"    {line}" for line in (*declarations, *body)]
    sum_type = coded[-1].sum_type
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
    sums = f"    {program._coded[-1].sum_type} sums[{n}];"
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
