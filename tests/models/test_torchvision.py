"""torchvision, timm and facenet_pytorch import beside any torch, and suppress boxes alike."""

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the train extra")

CODE = """
from deepfake_cli.models._torchvision import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
import facenet_pytorch, timm, torch
from torchvision.ops import batched_nms, nms
boxes = torch.tensor([[0., 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 0, 10, 10]])
scores = torch.tensor([.8, .9, .5, .1])
print(nms(boxes, scores, .5).tolist(), batched_nms(boxes, scores, torch.tensor([0, 1, 1, 1]), .5).tolist())
print(nms(torch.zeros(0, 4), torch.zeros(0), .5).tolist())
"""


def test_import_and_nms_in_a_fresh_process() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split("\n")[:2] == ["[1, 2] [1, 0, 2]", "[]"]
