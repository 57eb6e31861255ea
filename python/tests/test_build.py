"""The package is typed, and builds as wheel and sdist."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
MODULES = {path.name for path in (PACKAGE / "src" / "baton").iterdir() if path.suffix == ".py" or path.name == "py.typed"}


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")


def test_wheel_and_sdist_build_and_the_wheel_imports_with_numpy_alone(tmp_path: Path) -> None:
    needs("build", "hatchling")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(PACKAGE)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    [wheel], [sdist] = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"baton/{name}" for name in MODULES} <= names and not any("tests" in name for name in names)
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/examples/argon.ipynb") for name in archive.getnames())
    # Python reads wheels as they are; every optional package is hidden.
    script = (
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('blake3', 'zstandard', 'MDAnalysis', 'mdtraj', 'pytest'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
        "import baton\n"
        "print(baton.__file__)\n"
    )
    found = subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(wheel)!r})\n{script}"], capture_output=True, text=True)
    assert str(wheel) in found.stdout, found.stdout + found.stderr


def test_types_hold() -> None:
    needs("mypy")
    # NumPy's own types take most of the time: what is known of them is kept beside the environment.
    cache = str(Path(sys.prefix) / "mypy-cache")
    command = [sys.executable, "-m", "mypy", "--cache-dir", cache, "--config-file", str(PACKAGE / "pyproject.toml"), str(PACKAGE / "src")]
    found = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE)
    assert found.returncode == 0, found.stdout + found.stderr
