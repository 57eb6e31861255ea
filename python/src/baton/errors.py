"""Every exception of this package, by what a caller can do about it."""

from __future__ import annotations


class BatonError(Exception):
    """What all exceptions of this package are."""


class FormatError(BatonError):
    """A file is not what it should be: it names the file, the field, what was found, what was expected and what to do."""

    def __init__(self, file: object, problem: str, *, field: str = "", fix: str = "") -> None:
        self.file = str(file)
        self.field = field
        place = f"{self.file}: {field}" if field else self.file
        super().__init__(f"{place}: {problem}" + (f"; {fix}" if fix else ""))


class DependencyError(BatonError):
    """An optional dependency or a program is not installed; the message says which, and how to get it."""


class ProgramError(BatonError):
    """A program ended with an exit code other than 0; `text` is what it said, `code` its exit code."""

    def __init__(self, program: str, code: int, text: str) -> None:
        self.code = code
        self.text = text.strip()
        super().__init__(f"{program} ended with exit code {code}: {self.text or 'it said nothing'}")


class UsageError(ProgramError):
    """Exit code 2: an argument is wrong."""


class ServerAway(ProgramError):
    """Exit code 75: the server is away; try again later."""


class Stopped(ProgramError):
    """Exit code 85: it stopped at a boundary; `resume` goes on."""


class WrongClass(ProgramError):
    """Exit code 86: the run is bound to another hardware class, which the message names."""


class BadPackage(ProgramError):
    """Exit code 87: the package is wrong; the message names file, key, what was found and what was expected."""


class NotFinite(ProgramError):
    """Exit code 88: it ran to its end, but the state holds NaN or infinity."""


#: The exception of each exit code, as in docs/commands.md.
EXIT_CODES: dict[int, type[ProgramError]] = {
    2: UsageError,
    75: ServerAway,
    85: Stopped,
    86: WrongClass,
    87: BadPackage,
    88: NotFinite,
}


class ServerError(BatonError):
    """The server refused or did not answer; `status` is the HTTP status (0 where there was no answer), `type` the problem's stable name."""

    def __init__(self, message: str, *, status: int = 0, type: str = "", field: str | None = None) -> None:
        self.status = status
        self.type = type
        self.field = field
        #: Seconds after which the server wants to be asked again, where it said so.
        self.again_s: float | None = None
        super().__init__(message)
