"""Export facenet-pytorch's MTCNN weights to ONNX graphs that ONNX Runtime runs fast.

Run ``python tools/export_mtcnn.py`` after a change of the graphs; it needs the train extra. The networks'
arithmetic is kept, its order is not:

- ONNX Runtime has no PReLU in its blocked layout and leaves that layout for it, which costs more than the
  convolutions. ``prelu(x) = slope * x + (1 - slope) * relu(x)`` in ReLUs and 1x1 convolutions stays in it;
  hence also channels padded with zeros to blocks of 16.
- P-Net's first PReLU works on the most pixels. It is moved behind the pooling, see ``_pooled_prelu``.
- The scaling of pixels, (x - 127.5) / 128, is part of the first convolution, and the heads are one layer.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from deepfake_cli.inference.session import open_session
from deepfake_cli.models._torchvision import import_torchvision

FOLDER = Path(__file__).parents[1] / "deepfake_cli" / "weights" / "mtcnn"
TOLERANCE = 1e-4  # of logits, offsets and points, all of which are below 30

_BLOCK = 16
Array = NDArray[np.float64]
State = dict[str, Array]
Shape = Sequence[int | str]


class Graph:
    """An ONNX graph under construction; methods add nodes and return the name of their output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node."""
        name = f"{operator.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: Array) -> str:
        """Add a float32 constant."""
        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def conv(self, x: str, weight: Array, bias: Array | None = None, group: int = 1) -> str:
        """Add a convolution with (out, in / group, kernel, kernel) weights."""
        constants = [self.constant(value) for value in (weight, bias) if value is not None]
        return self.add("Conv", x, *constants, kernel_shape=weight.shape[2:], group=group)

    def pool(self, x: str, kernel: int) -> str:
        """Add a max pooling with stride 2 that keeps the rest at the border."""
        return self.add("MaxPool", x, kernel_shape=[kernel, kernel], strides=[2, 2], ceil_mode=1)

    def prelu(self, x: str, slopes: Array) -> str:
        """Add a PReLU on (N, C, H, W) as a * x + (1 - a) * relu(x)."""
        weights = slopes.reshape(-1, 1, 1, 1)
        line = self.conv(x, weights, group=len(slopes))
        return self.add("Add", line, self.conv(self.add("Relu", x), 1 - weights, group=len(slopes)))

    def dense(self, x: str, weight: Array, bias: Array) -> str:
        """Add a fully connected layer with (out, in) weights."""
        return self.add("Gemm", x, self.constant(weight), self.constant(bias), transB=1)

    def model(self, source: str, input_shape: Shape, output_shape: Shape) -> bytes:
        """Serialise the model; the last node is its output."""
        output = self._nodes[-1].output[0]
        graph = helper.make_graph(
            self._nodes,
            "mtcnn",
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)],
            self._constants,
        )
        producer = f"facenet-pytorch {version('facenet-pytorch')}"
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, producer_name=producer
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())


def build_pnet(state: State) -> bytes:
    """Build P-Net: "image" (N, 3, H, W) in 0 to 255 -> (N, 6, h, w), 2 logits and 4 offsets."""
    graph = Graph()
    x, weight = _pooled_prelu(graph, state)
    x = graph.conv(x, weight, state["conv2.bias"])
    x = graph.prelu(x, state["prelu2.weight"])
    x = graph.prelu(graph.conv(x, *_layer(state, "conv3")), state["prelu3.weight"])
    graph.conv(x, *_layer(state, "conv4_1", "conv4_2"))
    return graph.model("image", ["n", 3, "height", "width"], ["n", 6, "rows", "columns"])


def build_rnet(state: State) -> bytes:
    """Build R-Net: "faces" (N, 3, 24, 24) in 0 to 255 -> (N, 6), 2 logits and 4 offsets."""
    graph = Graph()
    x = graph.pool(_first(graph, "faces", state), 3)
    weight, bias = _layer(state, "conv2")
    x = graph.prelu(graph.conv(x, _padded(weight, 1), bias), state["prelu2.weight"])
    x = graph.prelu(graph.conv(graph.pool(x, 3), *_layer(state, "conv3")), state["prelu3.weight"])
    _heads(graph, x, state, (64, 3, 3), "dense4", "prelu4", ("dense5_1", "dense5_2"))
    return graph.model("faces", ["n", 3, 24, 24], ["n", 6])


def build_onet(state: State) -> bytes:
    """Build O-Net: "faces" (N, 3, 48, 48) in 0 to 255 -> (N, 16): 2 logits, 4 offsets, 5 x, 5 y."""
    graph = Graph()
    x = graph.pool(_first(graph, "faces", state), 3)
    x = graph.prelu(graph.conv(x, *_layer(state, "conv2")), state["prelu2.weight"])
    x = graph.prelu(graph.conv(graph.pool(x, 3), *_layer(state, "conv3")), state["prelu3.weight"])
    x = graph.prelu(graph.conv(graph.pool(x, 2), *_layer(state, "conv4")), state["prelu4.weight"])
    _heads(graph, x, state, (128, 3, 3), "dense5", "prelu5", ("dense6_1", "dense6_2", "dense6_3"))
    return graph.model("faces", ["n", 3, 48, 48], ["n", 16])


def _pooled_prelu(graph: Graph, state: State) -> tuple[str, Array]:
    """Add P-Net's first convolution, pooling and, behind it, PReLU.

    A PReLU with slope a >= 0 rises, so the maximum may be taken first. With a < 0 it is max(x, a * x), and
    the maximum of each term is taken first; their difference then decides: max(p, q) = q + relu(p - q). Ten
    channels and the second terms of their six falling slopes fill one block of sixteen.

    Returns:
        The output, (N, 16, H / 2, W / 2), and the weights of the second convolution that go with it.
    """
    weight, bias = _scaled(*_layer(state, "conv1"))
    slopes = state["prelu1.weight"]
    falling = np.flatnonzero(slopes < 0)
    weight = np.concatenate([weight, weight[falling] * slopes[falling, None, None, None]])
    bias = np.concatenate([bias, bias[falling] * slopes[falling]])
    pooled = graph.pool(graph.conv("image", _padded(weight), _padded(bias)), 2)

    line, bend = np.zeros((_BLOCK, _BLOCK)), np.zeros((_BLOCK, _BLOCK))  # output = line @ x + relu(bend @ x)
    following = _padded(state["conv2.weight"], 1)
    spare = len(slopes)
    for channel, slope in enumerate(slopes):
        if slope < 0:
            other = len(slopes) + int(np.searchsorted(falling, channel))
            line[channel, other] = bend[channel, channel] = 1
            bend[channel, other] = -1
        elif slope <= 1:
            line[channel, channel], bend[channel, channel] = slope, 1 - slope
        else:  # the factor of its relu is negative, so the relu gets a channel and the next layer the factor
            line[channel, channel], bend[spare, channel] = slope, 1
            following[:, spare] = following[:, channel] * (1 - slope)
            spare += 1
    bent = graph.add("Relu", graph.conv(pooled, bend[:, :, None, None]))
    return graph.add("Add", graph.conv(pooled, line[:, :, None, None]), bent), following


def _first(graph: Graph, x: str, state: State) -> str:
    """Add the first convolution of R- or O-Net and its PReLU."""
    weight, bias = _scaled(*_layer(state, "conv1"))
    return graph.prelu(graph.conv(x, _padded(weight), _padded(bias)), _padded(state["prelu1.weight"]))


def _heads(
    graph: Graph,
    x: str,
    state: State,
    shape: tuple[int, int, int],
    hidden: str,
    prelu: str,
    heads: Sequence[str],
) -> None:
    """Add the fully connected layers, whose input the original orders width, height, channel."""
    weight, bias = _layer(state, hidden)
    channels, height, width = shape
    weight = weight.reshape(-1, width, height, channels).transpose(0, 3, 2, 1).reshape(len(weight), -1)
    x = graph.dense(graph.add("Flatten", x), weight, bias)
    x = graph.add("PRelu", x, graph.constant(state[f"{prelu}.weight"]))
    graph.dense(x, *_layer(state, *heads))


def _layer(state: State, *names: str) -> tuple[Array, Array]:
    """Read weights and biases, those of several layers with one input joined."""
    weights, biases = ([state[f"{name}.{kind}"] for name in names] for kind in ("weight", "bias"))
    return np.concatenate(weights), np.concatenate(biases)


def _scaled(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Make a convolution take 0 to 255 where it took (x - 127.5) / 128."""
    return weight / 128, bias - weight.sum(axis=(1, 2, 3)) * 127.5 / 128


def _padded(value: Array, axis: int = 0) -> Array:
    """Append zeros up to a whole number of blocks."""
    padding = [(0, 0)] * value.ndim
    padding[axis] = (0, -value.shape[axis] % _BLOCK)
    return np.pad(value, padding)


def check(model: bytes, net: torch.nn.Module, side: int) -> float:
    """Compare a graph with the network it came from on noise.

    Returns:
        The largest difference between logits, offsets and points.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (8, 3, side, side)).astype(np.float32)
    raw: dict[str, torch.Tensor] = {}
    for name, module in net.named_modules():
        if name.startswith("softmax"):  # its input is the logits
            module.register_forward_pre_hook(lambda _, inputs: raw.update(logits=inputs[0]))
    with torch.no_grad():
        offsets, *points = net((torch.from_numpy(pixels) - 127.5) * 0.0078125)[:-1]
    wanted = torch.cat([raw["logits"], offsets, *points], dim=1).numpy()
    session = open_session(model)
    (found,) = session.run(None, {session.get_inputs()[0].name: pixels})
    return float(np.abs(found - wanted).max())


def main() -> int:
    """Write the three graphs; fail where one differs from its network."""
    import_torchvision()
    from facenet_pytorch.models.mtcnn import ONet, PNet, RNet

    for name, kind, build, side in (
        ("pnet", PNet, build_pnet, 61),
        ("rnet", RNet, build_rnet, 24),
        ("onet", ONet, build_onet, 48),
    ):
        net = kind().eval()
        model = build({key: value.double().numpy() for key, value in net.state_dict().items()})
        difference = check(model, net, side)
        print(f"{name}: {len(model)} bytes, differs by {difference:.1e}")
        if difference > TOLERANCE:
            return 1
        (FOLDER / f"{name}.onnx").write_bytes(model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
