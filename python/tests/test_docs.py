"""The examples of docs/python.md and the notebook do what they say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
from conftest import REPOSITORY, Server, needed

import baton


def test_the_examples_of_the_guide_run(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    guide = REPOSITORY / "docs" / "python.md"
    if not guide.is_file():
        pytest.skip("docs/python.md is not beside these tests")
    for name in ("MDAnalysis", "mdtraj", "zstandard", "blake3"):
        pytest.importorskip(name)
    needed("fpcheck")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATON_SERVER", server.url)
    monkeypatch.setenv("BATON_TOKEN_FILE", str(server.token_file))
    blocks = re.findall(r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 8
    names: dict[str, object] = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for block in blocks:
            exec(compile(block, str(guide), "exec"), names)
    for expected in ("Progress(segment=1, segments=1, step=2000)", "argon 1 True", "temperature (K)", "heat: clean", "completed 3", "found 'cells' = 0"):
        assert expected in said.getvalue(), said.getvalue()


def test_the_notebook_goes_from_nothing_to_argons_first_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needed("baton")
    path = Path(__file__).resolve().parents[1] / "examples" / "argon.ipynb"
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    # The notebook's kernel is a process of its own, in another folder.
    monkeypatch.setenv("PYTHONPATH", str(Path(baton.__file__).parents[1]))
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    # Committed without outputs, so that a difference is one of the text.
    assert all(not cell.get("outputs") for cell in notebook.cells)
    made = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = "".join(output.get("text", "") for cell in made.cells for output in cell.get("outputs", []))
    found = re.search(r"first peak of g\(r\) at ([0-9.]+) Angstrom, height ([0-9.]+)", text)
    assert found, text
    # Rahman (1964): 3.7 Angstrom; his g(r) is near 3 there. Bins are 0.05 Angstrom wide, and the run is short.
    assert 3.6 <= float(found[1]) <= 3.8 and 2.5 <= float(found[2]) <= 3.4
