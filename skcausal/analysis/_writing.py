"""Writing files whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from skcausal.analysis._errors import InputError


def check_writable(path: Path, option: str) -> None:
    """Refuse an output file that could not be written, before any work is done.

    Raises
    ------
    InputError
        If the path is a folder, or its folder is missing or read-only.
    """
    if path.is_dir():
        msg = f'{option}: "{path}" is a folder; give the name of a file.'
        raise InputError(msg)
    folder = path.resolve().parent
    if not folder.is_dir():
        msg = f'{option}: the folder "{folder}" does not exist. Make it first.'
        raise InputError(msg)
    if not os.access(folder, os.W_OK):
        msg = f'{option}: the folder "{folder}" cannot be written to.'
        raise InputError(msg)


def write_files(contents: dict[Path, str]) -> None:
    """Write text files; an interruption leaves the old ones, or none.

    All are written under temporary names in their own folders first, then renamed.
    """
    waiting: list[tuple[str, Path]] = []
    try:
        for path, text in contents.items():
            handle, name = tempfile.mkstemp(
                prefix=f".{path.name}.", dir=path.resolve().parent
            )
            waiting.append((name, path))
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            _share_as_new_files_are(name)
        while waiting:
            os.replace(*waiting[0])
            waiting.pop(0)
    finally:
        for name, _ in waiting:
            with suppress(FileNotFoundError):
                os.unlink(name)


def _share_as_new_files_are(name: str) -> None:
    """Give a temporary file (private by default) the rights of an ordinary one."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)
