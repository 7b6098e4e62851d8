"""What is installed is what was tested: the wheel's content, and a scan from an empty environment."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MEGABYTE = 1_000_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(build, check=True, timeout=600)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "-c",
        ROOT / "constraints.txt",
        wheel,
    ]
    subprocess.run(install, check=True, timeout=900)
    return folder


def test_the_wheel_holds_what_scan_needs_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("deepfake_cli/default.toml") == (ROOT / "default.toml").read_bytes()
    for needed in [
        "weights/plain/config.json",
        "weights/plain/model.onnx",
        "weights/mtcnn/pnet.onnx",
        "py.typed",
    ]:
        assert f"deepfake_cli/{needed}" in names
    shared = {name.partition(".data/data/share/")[2] for name in names if ".data/data/share/" in name}
    assert {f"man/man1/{page.name}" for page in (ROOT / "man").glob("*.1")} <= shared
    assert {
        "bash-completion/completions/dfdetect",
        "zsh/site-functions/_dfdetect",
        "fish/vendor_completions.d/dfdetect.fish",
    } <= shared
    assert not [name for name in names if name.endswith((".safetensors", ".pt", ".pth", ".ckpt"))]
    assert not [
        name for name in names if name.startswith(("tests/", "tools/", "benchmarks/", "completions/"))
    ]
    assert wheel.stat().st_size <= 90 * MEGABYTE


def test_an_empty_environment_stays_small_and_without_torch(environment: Path) -> None:
    (packages,) = environment.glob("lib/python*/site-packages")
    assert not {"torch", "scipy", "sklearn", "pandas", "skimage"} & {path.name for path in packages.iterdir()}
    size = 0
    for folder, _, files in os.walk(packages):
        if Path(folder).relative_to(packages).parts[:1] != ("pip",):
            size += sum((Path(folder) / name).lstat().st_size for name in files)
    assert size <= 560 * MEGABYTE  # 70 of them embedded models


def test_the_installed_command_scans(environment: Path, portrait_video: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [environment / "bin" / "dfdetect", "scan", "--format", "json", portrait_video],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stderr
    assert '"verdict"' in run.stdout
    json.loads(run.stdout)
    version = subprocess.run([environment / "bin" / "dfdetect", "--version"], capture_output=True, text=True)
    assert version.stdout.startswith("dfdetect ")
    assert (environment / "share" / "man" / "man1" / "dfdetect-scan.1").is_file()


def test_training_without_its_extra_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    table = tmp_path / "faces.csv"
    table.write_text("path,label,split,group\n")
    run = subprocess.run(
        [environment / "bin" / "dfdetect", "classifier", "train", table, "-o", tmp_path / "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "pip install 'dfdetect[train]'" in run.stderr
