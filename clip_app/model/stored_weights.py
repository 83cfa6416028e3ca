"""Exported towers that take their weights from the safetensors file of the model itself.

So the starter, which comes with its towers, is no larger for them.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx_ir
import onnxscript.optimizer

# Numbers of a tensor from which on it is left in the file of the weights.
_SMALL = 256

_STORED = {
    "F16": (np.float16, onnx_ir.DataType.FLOAT16),
    "F32": (np.float32, onnx_ir.DataType.FLOAT),
}


def refer_to(weights: Path, model: onnx_ir.Model) -> None:
    """Take the large weights of an exported tower from a safetensors file of float16 or float32.

    ONNX Runtime maps them, and makes them float32 when it opens the tower.
    """
    kept = _StoredWeights(weights)
    graph = model.graph
    first = graph.node(0)
    for own_name, value in list(graph.initializers.items()):
        array = value.const_value.numpy() if value.const_value is not None else np.empty(0)
        if array.dtype != np.float32 or array.size < _SMALL or (found := kept.find(array)) is None:
            continue
        name, is_transposed = found
        stored = graph.initializers.get(name)
        if stored is None or stored is value:
            del graph.initializers[own_name]
            value.name = f"{name} as float32"
            tensor = kept.external(name)
            stored = onnx_ir.Value(name=name, shape=tensor.shape, const_value=tensor)
            stored.type = onnx_ir.TensorType(tensor.dtype)
            graph.register_initializer(stored)
        else:
            del graph.initializers[own_name]
        nodes = [onnx_ir.node("Cast", [stored], {"to": int(onnx_ir.DataType.FLOAT)})]
        if is_transposed:
            nodes.append(onnx_ir.node("Transpose", [nodes[0].outputs[0]], {"perm": [1, 0]}))
        graph.insert_before(first, nodes)
        onnx_ir.convenience.replace_all_uses_with(value, nodes[-1].outputs[0])

    def is_of_weights(node: onnx_ir.Node) -> bool | None:
        """False where folding would write a weight out; None where it decides for itself."""
        (source, *_) = (*node.inputs, None)
        stored = source is not None and isinstance(source.const_value, onnx_ir.ExternalTensor)
        return False if stored and node.op_type == "Cast" else None

    onnxscript.optimizer.optimize_ir(model, should_fold=is_of_weights)


class _StoredWeights:
    """A safetensors file, by the content of its tensors."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self._header = json.loads(file.read(length))
        self._header.pop("__metadata__", None)
        self._start = 8 + length
        self._bytes = np.memmap(path, np.uint8, "r")
        self._by_content: dict[bytes, tuple[str, bool]] = {}
        for name, entry in self._header.items():
            if entry["dtype"] not in _STORED:
                continue
            array = self._array(name)
            if array.ndim == 2:
                self._by_content[_content(array.T)] = (name, True)
            self._by_content[_content(array)] = (name, False)

    def find(self, array: np.ndarray) -> tuple[str, bool] | None:
        """The name of a stored tensor with just these values, and whether it is transposed."""
        return self._by_content.get(_content(array))

    def external(self, name: str) -> onnx_ir.ExternalTensor:
        """A tensor that refers to the file."""
        entry = self._header[name]
        begin, end = entry["data_offsets"]
        return onnx_ir.ExternalTensor(
            self._path.name,
            self._start + begin,
            end - begin,
            _STORED[entry["dtype"]][1],
            shape=onnx_ir.Shape(entry["shape"]),
            name=name,
            base_dir=self._path.parent,
        )

    def _array(self, name: str) -> np.ndarray:
        entry = self._header[name]
        begin, end = (self._start + one for one in entry["data_offsets"])
        stored = self._bytes[begin:end].view(_STORED[entry["dtype"]][0]).reshape(entry["shape"])
        return stored.astype(np.float32)


def _content(array: np.ndarray) -> bytes:
    digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16)
    digest.update(repr(array.shape).encode())
    return digest.digest()
