"""Score a video the way published pipelines do, as a baseline for `dfdetect scan`.

usage: python benchmarks/reference_pipeline.py VIDEO [--mri]

Three stages over files, on the CPU: facenet-pytorch's MTCNN on every 10th frame at full resolution, one PNG a
face, then timm's EfficientNet-B0 in eager PyTorch over the PNGs. Its weights are random, which takes as long
as trained ones. Frames in between are decoded but not converted. With ``--mri`` a stage goes before the last:
MRI-GAN's full-size generator in eager PyTorch paints a map of each face, again a PNG, which is then scored.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from deepfake_cli.models._torchvision import import_torchvision
from deepfake_cli.models.generator import build_generator

EVERY = 10  # frames
MARGIN = 0.1  # by which a box grows on each side, of its width and height
SIZE = 224  # pixels, side of the classifier's input
MAP = 256  # pixels, side of the generator's input
BATCH = 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def cut_faces(video: Path, folder: Path) -> int:
    """Save each face of every 10th frame as a PNG; return how many frames were looked at."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, post_process=False, device="cpu")
    capture = cv2.VideoCapture(str(video))
    looked = number = 0
    while capture.grab():
        if number % EVERY == 0:
            _, pixels = capture.retrieve()
            frame = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
            boxes, _ = detector.detect(frame)
            for i, box in enumerate(np.zeros((0, 4)) if boxes is None else boxes.astype(float)):
                grow = MARGIN * np.tile(box[2:] - box[:2], 2) * (-1, -1, 1, 1)
                face = (box + grow).clip(0, 2 * frame.size).round().astype(int)
                frame.crop(face.tolist()).save(folder / f"{number:05}_{i}.png")
            looked += 1
        number += 1
    capture.release()
    return looked


def paint(folder: Path) -> None:
    """Replace each PNG by the map that MRI-GAN's full-size generator paints of it."""
    model = build_generator("unet", width=64, depth=8, dropout=0.5).eval()
    for path in sorted(folder.glob("*.png")):
        face = Image.open(path).convert("RGB").resize((MAP, MAP), Image.Resampling.BILINEAR)
        planes = torch.from_numpy(np.array(face)).permute(2, 0, 1)[None]  # (1, 3, MAP, MAP)
        with torch.inference_mode():
            painted = (model(planes / 127.5 - 1)[0].permute(1, 2, 0) + 1) * 127.5
        Image.fromarray(painted.to(torch.uint8).numpy()).save(path)


def score(folder: Path) -> torch.Tensor:
    """Score each PNG, (N,)."""
    import timm

    model = timm.create_model("tf_efficientnet_b0", num_classes=1).eval()
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    faces = []
    for path in sorted(folder.glob("*.png")):
        face = Image.open(path).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        planes = torch.from_numpy(np.array(face)).permute(2, 0, 1)  # (3, SIZE, SIZE)
        faces.append((planes / 255 - mean) / std)
    with torch.inference_mode():
        logits = [model(torch.stack(faces[i : i + BATCH])) for i in range(0, len(faces), BATCH)]
    return torch.cat([torch.empty(0), *(batch.flatten() for batch in logits)]).sigmoid()


def main() -> None:
    """Score one video and print what was looked at."""
    import_torchvision()
    with tempfile.TemporaryDirectory() as folder:
        frames = cut_faces(Path(sys.argv[1]), Path(folder))
        if "--mri" in sys.argv:
            paint(Path(folder))
        scores = score(Path(folder))
    print(f"{frames} frames, {len(scores)} faces, mean score {scores.mean():.4f}")


if __name__ == "__main__":
    main()
