"""Writing kernel packages from arrays: `kernel.toml`, WGSL files and `.npy` files. What a package is says docs/kernel-package.md.

This module puts a package's parts together. Whether they are a good package is decided by the program alone (`Package.check`), so that
there is one reader of packages and one set of words for what is wrong.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import files, program, toml_text
from .errors import BatonError, FormatError
from .fields import read_toml
from .manifest import MANIFEST_BYTES_MAX, read_manifest

WGSL_BYTES_MAX = 256 << 10
_TYPES = {np.dtype("<f4"): "f32", np.dtype("<u4"): "u32", np.dtype("<i4"): "i32"}
#: File names of a package: paths inside the folder whose parts do not begin with a dot.
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")

Count = int | str


class Package:
    """A kernel package under construction. Every method that adds something returns the package, so that calls can be chained.

    `time` is the physical time of a step with its unit: `time=(0.005, "ps")`. `done` names a state buffer of uint32: a run ends at the first
    boundary where its first element is not 0.
    """

    def __init__(
        self,
        name: str,
        *,
        steps_per_segment: int,
        segments: int,
        tier: Literal["portable", "class-bound"] = "portable",
        version: str = "1",
        description: str = "",
        time: tuple[float, str] | None = None,
        done: str | None = None,
    ) -> None:
        run: dict[str, Any] = {"steps_per_segment": int(steps_per_segment), "segments": int(segments)}
        if time is not None:
            run |= {"time_per_step": float(time[0]), "time_unit": time[1]}
        if done is not None:
            run["done"] = done
        self._manifest: dict[str, Any] = {"format": 1, "name": name, "version": version, "description": description, "tier": tier}
        self._manifest |= {"run": run, "constants": {}, "buffer": [], "pass": [], "output": []}
        self._texts: dict[str, str] = {}
        self._arrays: dict[str, npt.NDArray[Any]] = {}

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Package:
        """A package that is there already, to be changed and written anew: a shipped one, a run's `package` folder, one of `baton new`."""
        root = Path(folder)
        manifest = read_manifest(root)
        fields = read_toml(root, "kernel.toml", MANIFEST_BYTES_MAX)
        self = cls.__new__(cls)
        self._manifest, self._texts, self._arrays = dict(fields.table), {}, {}
        self._manifest.setdefault("constants", {})
        for step in fields.items("pass", 512, []):
            shaders = step.get("shader") if isinstance(step, dict) else None
            if not isinstance(shaders, list) or not all(isinstance(name, str) for name in shaders):
                raise FormatError(root / "kernel.toml", "found no list of file names", field="pass: shader")
            for name in shaders:
                if name.startswith("baton/") and not (root / name).exists():
                    continue  # A ready-made piece: `baton` has its text.
                self._texts[_file(name, ".wgsl")] = files.read_text(root, name, WGSL_BYTES_MAX)
        for buffer in manifest.buffers:
            if buffer.init is not None:
                self._arrays[_file(buffer.init, ".npy")] = manifest.initial(buffer.name)
        return self

    @classmethod
    def example(cls) -> Package:
        """The package that `baton new` writes: four thousand walkers on a lattice, with the random numbers that go with it."""
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "my-walk"
            program.call(["new", "my-walk", "--out", str(target)])
            return cls.open(target)

    @property
    def name(self) -> str:
        """The package's name."""
        return str(self._manifest["name"])

    @property
    def constants(self) -> dict[str, int | float | bool]:
        """Constants, to be read and changed: `package.constants["seed"] = 7`."""
        constants: dict[str, int | float | bool] = self._manifest["constants"]
        return constants

    def set_run(self, *, steps_per_segment: int | None = None, segments: int | None = None) -> Package:
        """Change the length of the run."""
        for key, value in (("steps_per_segment", steps_per_segment), ("segments", segments)):
            if value is not None:
                self._manifest["run"][key] = int(value)
        return self

    def wgsl(self, **files: str) -> Package:
        """Add WGSL files by the name without its ending: `package.wgsl(walk="…")` adds `walk.wgsl`."""
        return self.wgsl_files({f"{name}.wgsl": text for name, text in files.items()})

    def wgsl_files(self, texts: Mapping[str, str | os.PathLike[str]]) -> Package:
        """Add WGSL files by their whole names; a text is a text, a path is a file that is read."""
        for name, text in texts.items():
            if not isinstance(text, str):
                source = Path(text).resolve()
                text = files.read_text(source.parent, source.name, WGSL_BYTES_MAX)
            if len(text.encode()) > WGSL_BYTES_MAX:
                raise BatonError(f"{name}: found {len(text.encode())} bytes, expected at most {WGSL_BYTES_MAX}")
            self._texts[_file(name, ".wgsl")] = text
        return self

    def state(self, name: str, array: npt.ArrayLike, **options: Any) -> Package:
        """Add a state buffer with its first contents; options are those of `buffer`."""
        return self.buffer(name, "state", array, **options)

    def constant(self, name: str, array: npt.ArrayLike, **options: Any) -> Package:
        """Add a constant buffer; options are those of `buffer`."""
        return self.buffer(name, "constant", array, **options)

    def scratch(self, name: str, type: Literal["f32", "u32", "i32"], shape: Sequence[Count]) -> Package:
        """Add a scratch buffer: zero at the start of each segment."""
        return self._add_buffer({"name": name, "type": type, "shape": list(shape), "role": "scratch"})

    def observable(self, name: str, type: Literal["f32", "u32", "i32"], shape: Sequence[Count], *, unit: str | None = None) -> Package:
        """Add an observable buffer: like scratch, and outputs can keep it."""
        return self._add_buffer({"name": name, "type": type, "shape": list(shape), "role": "observable", "unit": unit})

    def buffer(
        self,
        name: str,
        role: Literal["state", "constant"],
        array: npt.ArrayLike,
        *,
        shape: Sequence[Count] | None = None,
        layout: Literal["packed", "vec4"] = "packed",
        scale: float | Sequence[float] | None = None,
        unit: str | None = None,
    ) -> Package:
        """Add a buffer that starts as `array`: float32, uint32 or int32. `shape` may name constants instead of the array's extents.

        Raises TypeError for other types: a conversion that may lose bits is the caller's to choose (`array.astype(numpy.float32)`).
        """
        values = _checked(name, array)
        self._arrays[f"{name}.npy"] = values
        table = {"name": name, "type": _TYPES[values.dtype], "shape": list(shape or values.shape), "role": role, "layout": layout}
        return self._add_buffer({**table, "init": f"{name}.npy", "scale": scale, "unit": unit})

    def set_array(self, name: str, array: npt.ArrayLike) -> Package:
        """Give a state or constant buffer other first contents of the same type, such as a finished run's state."""
        found = next((buffer for buffer in self._manifest["buffer"] if buffer["name"] == name), None)
        if found is None or found["role"] not in ("state", "constant"):
            raise KeyError(f"no state or constant buffer '{name}'")
        values = _checked(name, array)
        if _TYPES[values.dtype] != found["type"]:
            raise TypeError(f"buffer '{name}': found {values.dtype}, expected {found['type']}")
        found.pop("fill", None)
        found["init"] = f"{name}.npy"
        self._arrays[f"{name}.npy"] = values
        return self

    def add_pass(self, name: str, shader: str | Sequence[str], **options: Any) -> Package:
        """Add a pass: `shader` names WGSL files that were added, options are the keys of `[[pass]]`.

        One of `invocations`, `workgroups` and `indirect` is needed.
        """
        shaders = [shader] if isinstance(shader, str) else list(shader)
        self._manifest.setdefault("pass", []).append(_given({"name": name, "shader": shaders, **options}))
        return self

    def output(self, name: str, *, every: int, buffer: str | None = None, after: str | None = None, columns: Sequence[Mapping[str, Any]] = ()) -> Package:
        """Add an output of a buffer (by default the one of its name): frames, or with `columns` rows of the observables.

        A column is a table of the keys of `[[output.column]]`: `{"name": "energy", "element": 0, "unit": "kJ/mol"}`.
        """
        table = {"name": name, "buffer": buffer or name, "every": int(every), "after": after, "column": [dict(column) for column in columns]}
        self._manifest.setdefault("output", []).append(_given(table))
        return self

    def fault(self, value: int, text: str) -> Package:
        """Say what a value of the buffer `fault` means: the run stops with this text."""
        self._manifest.setdefault("faults", {})[str(int(value))] = text
        return self

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write the package into a folder that is empty or not there. Returns the folder."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise BatonError(f"{target}: is not empty: choose another folder")
        (target / "kernel.toml").write_text(toml_text.write(_given(self._manifest)), encoding="utf-8", newline="\n")
        for name, text in self._texts.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(text, encoding="utf-8", newline="\n")
        for name, array in self._arrays.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(target / name, array, allow_pickle=False)
        return target

    def check(self) -> str:
        """Check the package with `fpcheck lint`: all that the program refuses, and all that would make its bits depend on chance.

        Returns the program's words. Raises BadPackage (it is none) or ProgramError (findings).
        """
        with tempfile.TemporaryDirectory() as folder:
            return check(self.write(Path(folder) / self.name))

    def _add_buffer(self, table: dict[str, Any]) -> Package:
        self._manifest.setdefault("buffer", []).append(_given(table))
        return self

    def __repr__(self) -> str:
        buffers = ", ".join(buffer["name"] for buffer in self._manifest.get("buffer", []))
        return f"<package {self.name}: buffers {buffers or 'none'}>"


def check(folder: str | os.PathLike[str]) -> str:
    """Check a package's folder: see `Package.check`."""
    return program.call(["lint", "--", os.fspath(folder)], name="fpcheck")


def _given(table: dict[str, Any]) -> dict[str, Any]:
    """The table without what was left out, since absent keys have the format's defaults."""
    return {key: value for key, value in table.items() if value is not None and value != [] and value != {}}


def _checked(name: str, array: npt.ArrayLike) -> npt.NDArray[Any]:
    values = np.asarray(array)
    dtype = values.dtype.newbyteorder("<")
    if dtype not in _TYPES:
        raise TypeError(f"buffer '{name}': found {values.dtype}, expected float32, uint32 or int32: convert it, as in array.astype(numpy.float32)")
    if values.ndim == 0 or values.size == 0:
        raise ValueError(f"buffer '{name}': found shape {values.shape}, expected at least one element in one dimension")
    if dtype.kind == "f" and not np.isfinite(values).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ValueError(f"buffer '{name}': found {values[tuple(index)]} at {index}, expected finite numbers")
    return np.array(values, dtype=dtype, order="C")


def _file(name: str, ending: str) -> str:
    if not _FILE.fullmatch(name) or not name.endswith(ending) or len(name) > 200:
        raise BatonError(f"found file name {name!r}, expected letters, digits, '_', '-', '.' and '/', ending in {ending}, inside the package")
    return name
