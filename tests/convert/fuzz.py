"""Models with damage of all kinds."""

import onnx
from google.protobuf.message import DecodeError

# Integers that break what counts on small ones.
INTEGERS = (-(2**63), -(2**31), -5, -1, 0, 1, 2, 3, 7, 100, 2**16, 2**31 - 1, 2**62)

FLOATS = (0.0, -0.0, 1e-45, 1e38, -1.0, float("inf"), float("nan"))

DAMAGED_BYTES = (b"", b"\0", b"\xff" * 9, b"Gemm", b"Reshape", b"x", b"0" * 5000)


def damaged_bytes(data, rng):
    """The bytes of a file with some of them changed, removed, repeated or swapped."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        place = int(rng.integers(len(data) + 1))
        length = int(2 ** rng.integers(0, 9))
        match rng.integers(5):
            case 0:
                data[place : place + 1] = rng.bytes(1)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                other = int(rng.integers(len(data) + 1))
                data[place:place] = data[other : other + length]
            case 4:
                data[place : place + length] = rng.bytes(length)
    return bytes(data)


def damaged_fields(data, rng):
    """A model in which some fields hold something unusual."""
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError:
        return data
    for _ in range(rng.integers(1, 4)):
        _damage(_some_message(model, rng), rng, model)
    return model.SerializeToString()


def _messages(message):
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.name == "metadata_props":
            continue
        for each in value if field.is_repeated else [value]:
            yield from _messages(each)


def _some_message(model, rng):
    messages = list(_messages(model))
    return messages[rng.integers(len(messages))]


def _damage(message, rng, model):
    fields = list(message.DESCRIPTOR.fields)
    set_fields = [field for field, _ in message.ListFields()]
    if set_fields and rng.random() < 0.8:
        fields = set_fields
    field = fields[rng.integers(len(fields))]
    if rng.random() < 0.2:
        message.ClearField(field.name)
        return
    if field.message_type is not None:
        # of the same type, from somewhere else in the model
        others = [
            each
            for each in _messages(model)
            if each.DESCRIPTOR is field.message_type and each.ByteSize() < 5000
        ]
        if others:
            other = type(others[0])()
            other.CopyFrom(others[rng.integers(len(others))])
            if field.is_repeated:
                getattr(message, field.name).append(other)
            else:
                getattr(message, field.name).CopyFrom(other)
        return
    kinds = {
        field.CPPTYPE_STRING: DAMAGED_BYTES,
        field.CPPTYPE_FLOAT: FLOATS,
        field.CPPTYPE_DOUBLE: FLOATS,
        field.CPPTYPE_ENUM: range(18),
    }
    values = kinds.get(field.cpp_type, INTEGERS)
    value = values[rng.integers(len(values))]
    if field.cpp_type == field.CPPTYPE_STRING and field.type == field.TYPE_STRING:
        names = [name for node in model.graph.node for name in node.input] or ["x"]
        value = names[rng.integers(len(names))] if rng.random() < 0.7 else "x\0"
    try:
        if not field.is_repeated:
            setattr(message, field.name, value)
            return
        repeated = getattr(message, field.name)
        if len(repeated) and rng.random() < 0.7:
            repeated[rng.integers(len(repeated))] = value
        else:
            repeated.append(value)
    except ValueError:  # it does not fit the type of the field
        pass
