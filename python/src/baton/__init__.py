"""Baton from Python: open runs, write packages from arrays, run them, and talk to a server.

- `open_run`, `Run`: a run directory: `chain`, `observables`, `frames`, `state`, `manifest`, `topology`, `verify`
- `Package`, `check`: packages from arrays
- `run`, `resume`: the `baton` program
- `Client`: a server
- `to_pdb`, `to_mdanalysis`, `to_mdtraj`: molecules for other programs
- `BatonError` and its kinds: what can go wrong
"""

from .chain import Boundary, ChainLine
from .client import Client
from .errors import (
    BadPackage,
    BatonError,
    DependencyError,
    FormatError,
    NotFinite,
    ProgramError,
    ServerAway,
    ServerError,
    Stopped,
    UsageError,
    WrongClass,
)
from .frames import Frames
from .manifest import Buffer, Column, Manifest, Output
from .observables import Observables, Series
from .package import Package, check
from .program import Progress, resume, run
from .run_dir import Config, Run, State, open_run
from .topology import Topology, to_mdanalysis, to_mdtraj, to_pdb
from .types import JobView, Why
from .verify import Verification, verify

__all__ = [
    "BadPackage",
    "BatonError",
    "Boundary",
    "Buffer",
    "ChainLine",
    "Client",
    "Column",
    "Config",
    "DependencyError",
    "FormatError",
    "Frames",
    "JobView",
    "Manifest",
    "NotFinite",
    "Observables",
    "Output",
    "Package",
    "ProgramError",
    "Progress",
    "Run",
    "Series",
    "ServerAway",
    "ServerError",
    "State",
    "Stopped",
    "Topology",
    "UsageError",
    "Verification",
    "Why",
    "WrongClass",
    "check",
    "open_run",
    "resume",
    "run",
    "to_mdanalysis",
    "to_mdtraj",
    "to_pdb",
    "verify",
]
__version__ = "0.1.0"
