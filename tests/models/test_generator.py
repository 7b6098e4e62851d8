"""The networks of MRI-GAN: shapes, sizes and names of the published ones."""

import pytest
import torch

from deepfake_cli.models.discriminator import PatchDiscriminator
from deepfake_cli.models.encoder_generator import EncoderUNet
from deepfake_cli.models.generator import Painter, build_generator


def test_the_papers_networks_have_its_sizes_and_names() -> None:
    with torch.device("meta"):
        generator = build_generator("unet", width=64, depth=8, dropout=0.5)
        discriminator = PatchDiscriminator(64, 4)
        face = torch.zeros(1, 3, 256, 256)
        assert generator(face).shape == face.shape
        assert discriminator(face, face).shape == (1, 1, 16, 16)
    assert sum(p.numel() for p in generator.parameters()) == 54_404_099
    names = list(generator.state_dict())
    assert names == [
        *(f"down{i}.model.0.weight" for i in range(1, 9)),
        *(f"up{i}.model.0.weight" for i in range(1, 8)),
        *("final.2.weight", "final.2.bias"),
    ]
    assert discriminator.state_dict()["model.12.weight"].shape == (1, 512, 4, 4)
    dropped = [name for name, m in generator.named_modules() if isinstance(m, torch.nn.Dropout)]
    assert [name.split(".")[0] for name in dropped] == [
        *("down4", "down5", "down6", "down7", "down8"),
        *("up1", "up2", "up3", "up4"),
    ]


@pytest.mark.parametrize(("width", "depth", "size"), [(4, 2, 32), (4, 5, 32), (8, 5, 96), (4, 7, 128)])
def test_any_width_and_depth_paints_maps_of_the_faces_size(width: int, depth: int, size: int) -> None:
    generator = build_generator("unet", width=width, depth=depth, dropout=0.5)
    faces = torch.rand(2, 3, size, size) * 2 - 1
    maps = Painter(generator)(faces).detach()
    assert maps.shape == faces.shape
    assert 0 <= float(maps.min()) <= float(maps.max()) <= 1


@pytest.mark.parametrize("depth", [2, 4, 5])
def test_an_encoder_is_cut_where_the_generator_ends(depth: int) -> None:
    generator = build_generator("test_efficientnet", width=4, depth=depth, dropout=0)
    assert isinstance(generator, EncoderUNet)
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    maps = generator(faces)
    assert maps.shape == faces.shape
    assert maps.detach().mean().item() < -0.5  # begins near black
    maps.sum().backward()
    unused = [name for name, p in generator.named_parameters() if p.grad is None]
    assert unused == []
