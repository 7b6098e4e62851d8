"""The layers and their directions, as the folders of the package promise them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "deepfake_cli"
SOURCES = sorted(PACKAGE.rglob("*.py"))

EVERYWHERE = {"errors", "progress", "__init__"}
MAY_IMPORT = {
    "__init__": {"pipeline"},
    "__main__": {"cli"},
    "errors": set(),
    "progress": set(),
    "settings": set(),
    "profile": {"settings"},
    "core": set(),
    "models": set(),
    "io": {"core"},
    "inference": {"core", "io"},
    "pipeline": {"inference", "core", "io", "profile", "settings"},
    "training": {"models", "inference", "core", "io", "profile", "settings"},
    "cli": {"pipeline", "training", "profile", "settings"},
}
LEARNERS = {"torch", "torchvision", "timm", "facenet_pytorch", "sklearn", "scipy", "piq", "lightning", "onnx"}
READERS = {"av", "huggingface_hub"}
# What a layer must not import from outside: learning needs an extra, core knows no disk, and so on.
MUST_NOT_IMPORT = {
    "core": LEARNERS | READERS | {"onnxruntime", "pydantic"},
    "io": LEARNERS | {"onnxruntime"},
    "inference": LEARNERS | READERS,
    "pipeline": LEARNERS | READERS | {"onnxruntime", "rich", "typer"},
    "cli": LEARNERS | READERS | {"onnxruntime", "cv2", "numpy"},
    "models": READERS | {"onnxruntime", "cv2"},
    "training": {"rich", "typer"},
}
HEAVY = ["torch", "cv2", "numpy", "onnxruntime", "huggingface_hub", "pydantic", "rich.live"]


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the absolute dotted name of every import, those within functions too."""
    package = ["deepfake_cli", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from deepfake_cli import core` names a layer too.
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path: Path) -> None:
    layer = layer_of(path)
    wrong = []
    for line, name in imports(path):
        top, *rest = name.split(".")
        if top == "deepfake_cli":
            other = (
                rest[0]
                if rest and (PACKAGE / rest[0]).is_dir() or f"{rest[0]}.py" in _modules()
                else "__init__"
            )
            if other not in {layer} | EVERYWHERE | MAY_IMPORT[layer]:
                wrong.append(f"line {line}: {layer} may not import {name}")
        elif top in MUST_NOT_IMPORT.get(layer, set()):
            wrong.append(f"line {line}: {layer} may not import {name}")
        elif top == "rich" and path.name != "_ui.py":
            wrong.append(f"line {line}: only cli/_ui.py imports rich")
        elif top == "click":
            wrong.append(f"line {line}: Typer brings its own Click")
    assert not wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_are_relative_within_a_layer_and_absolute_across(path: Path) -> None:
    layer, depth = layer_of(path), max(len(path.relative_to(PACKAGE).parts) - 1, 1)
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            inside = bool(node.module) and str(node.module).split(".")[:2] == ["deepfake_cli", layer]
            if (inside and not node.level) or node.level > depth:
                wrong.append(f"line {node.lineno}")
    assert not wrong


def test_every_layer_has_rules() -> None:
    assert {layer_of(path) for path in SOURCES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", ["deepfake_cli", "deepfake_cli.cli", "deepfake_cli.cli.main"])
def test_the_command_line_loads_nothing_heavy(module: str) -> None:
    script = f"import {module}, sys; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def _modules() -> set[str]:
    return {path.name for path in PACKAGE.glob("*.py")}
