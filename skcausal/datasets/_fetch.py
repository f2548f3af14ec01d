"""Find, verify, and only then download the files of the ``fetch_*`` loaders.

A file is looked for in ``$SKCAUSAL_DATA``, or in the user's cache folder where this
variable is not set. Nothing is returned before its SHA-256 has been checked.
"""

import gzip
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

DATA_VARIABLE = "SKCAUSAL_DATA"
_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30


class DatasetNotFoundError(OSError):
    """A data file is neither on this machine nor to be had from its address."""


class DatasetCorruptError(OSError):
    """A data file is not the one that its SHA-256 promises."""


@dataclass(frozen=True)
class Source:
    """One known form of a file.

    Attributes
    ----------
    name : str
        File name within the folder of its data set. ``name + ".gz"`` is accepted
        too: its hash is then taken of the unpacked bytes.
    sha256 : str or None
        Hash of the bytes; ``None`` where only the content is known.
    url : str or None
        Where to download it; ``None`` for a file that is not published as such.
    zipped : bool
        Whether ``url`` gives a ZIP archive whose only file this is.
    """

    name: str
    sha256: str | None
    url: str | None = None
    zipped: bool = False


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set and the forms in which it is known, best first.

    Attributes
    ----------
    folder : str
        Folder of the data set below the data folder.
    sources : tuple of Source
        Known forms; the first that has an address is the one downloaded.
    columns : tuple of str
        Columns or arrays that define the content.
    content_sha256 : str or None
        ``content_digest`` of these columns, where bytes other than the known ones
        hold the same data.
    note : str
        How to get the file where it has no address.
    """

    folder: str
    sources: tuple[Source, ...]
    columns: tuple[str, ...] = ()
    content_sha256: str | None = None
    note: str = ""


def data_folder() -> Path:
    """Return the folder that holds the data sets (it need not exist)."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "skcausal"


def load(remote: RemoteFile, owner: str) -> tuple[Any, Source]:
    """Read a file after verifying it, downloading it first where necessary.

    Parameters
    ----------
    remote : RemoteFile
        The file.
    owner : str
        Name of the public loader, for messages.

    Returns
    -------
    data : DataFrame or dict of ndarray
        Content of the file.
    source : Source
        The form that was found.

    Raises
    ------
    DatasetNotFoundError
        The file is not here and cannot be downloaded.
    DatasetCorruptError
        The file is here but has another hash.
    """
    found = find(remote)
    if found is None:
        found = download(remote, owner)
    else:
        _verify(remote, found[1], found[0], owner)
    return read(found[0]), found[1]


def find(remote: RemoteFile) -> tuple[Path, Source] | None:
    """Return the first known form of the file on this machine, if there is one."""
    folder = data_folder() / remote.folder
    for source in remote.sources:
        for path in (folder / source.name, folder / f"{source.name}.gz"):
            if path.is_file():
                return path, source
    return None


def download(remote: RemoteFile, owner: str) -> tuple[Path, Source]:
    """Download the file, verify it, and move it to its place in one step."""
    folder = data_folder() / remote.folder
    source = next((item for item in remote.sources if item.url), remote.sources[0])
    if source.url is None:
        raise DatasetNotFoundError(_not_found(remote, source, owner, "no address"))
    path = folder / source.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _temporary_folder(folder) as temporary:
            part = Path(temporary) / source.name
            _copy_from_url(source, part)
            _verify(remote, source, part, owner)
            os.replace(part, path)
    except DatasetCorruptError:
        raise
    except (OSError, zipfile.BadZipFile) as error:
        message = _not_found(remote, source, owner, f"{error}")
        raise DatasetNotFoundError(message) from error
    return path, source


def read(path: Path) -> Any:
    """Read a table (CSV, Stata, blanks) as a DataFrame, ``.npz`` as a dict."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    if path.suffix == ".dta":
        return pd.read_stata(path)
    blanks = ".dat" in path.suffixes
    return pd.read_csv(path, sep=r"\s+" if blanks else ",")


def content_digest(data: Any, columns: tuple[str, ...]) -> str:
    """Hash the numbers of a file, whatever its format and the order of its rows.

    Each column is sorted on its own and rounded to six decimals, so that copies
    which differ in format, row order or the last bits of a float agree.
    """
    digest = hashlib.sha256()
    for name in columns:
        values = np.sort(np.asarray(data[name], dtype=np.float64), axis=0)
        digest.update(f"{name}{values.shape}".encode())
        digest.update((np.round(values, 6) + 0.0).astype("<f8").tobytes())
    return digest.hexdigest()


def _verify(remote: RemoteFile, source: Source, path: Path, owner: str) -> None:
    """Accept the bytes of the source, or other bytes of the same known content."""
    found = _file_digest(path, source)
    if found == source.sha256:
        return
    if remote.content_sha256 is not None:
        found_content = _digest_of_content(remote, path)
        if found_content == remote.content_sha256:
            return
        found = f"{found} (content {found_content})"
    expected = source.sha256 or f"content {remote.content_sha256}"
    raise DatasetCorruptError(
        f"{owner}: file {path} is not the expected one: SHA-256 must be {expected}, "
        f"got {found}. Delete the file to have it downloaded again, or set "
        f"{DATA_VARIABLE} to a folder that holds a sound copy."
    )


def _digest_of_content(remote: RemoteFile, path: Path) -> str:
    try:
        return content_digest(read(path), remote.columns)
    except (ValueError, KeyError) as error:
        return f"unreadable ({error})"


def _file_digest(path: Path, source: Source) -> str:
    """Hash the bytes, unpacked where the file is the gzipped form of its source."""
    opener = open if path.name == source.name else gzip.open
    digest = hashlib.sha256()
    try:
        with opener(path, "rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except (EOFError, gzip.BadGzipFile) as error:
        return f"unreadable ({error})"
    return digest.hexdigest()


def _copy_from_url(source: Source, part: Path) -> None:
    from urllib.request import Request, urlopen

    request = Request(str(source.url), headers={"User-Agent": "skcausal"})
    target = part.with_name("archive.zip") if source.zipped else part
    with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length")
        with target.open("wb") as stream:
            _copy(response, stream, int(length) if length else None, source.name)
    if source.zipped:
        _unzip_only_file(target, part)


def _copy(incoming: Any, outgoing: BinaryIO, total: int | None, name: str) -> None:
    from tqdm import tqdm

    with tqdm(total=total, unit="B", unit_scale=True, desc=name) as bar:
        while chunk := incoming.read(_CHUNK):
            outgoing.write(chunk)
            bar.update(len(chunk))
    if total is not None and bar.n != total:
        raise ConnectionError(f"connection closed after {bar.n} of {total} bytes")


def _unzip_only_file(archive: Path, part: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = [
            name
            for name in content.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX")
        ]
        if len(names) != 1:
            raise zipfile.BadZipFile(f"one file expected in the archive, got {names}")
        with content.open(names[0]) as member, part.open("wb") as stream:
            shutil.copyfileobj(member, stream)


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[str]:
    """Give a folder on the same file system, gone again whatever happens."""
    folder = tempfile.mkdtemp(prefix=".download-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _not_found(remote: RemoteFile, source: Source, owner: str, reason: str) -> str:
    folder = data_folder() / remote.folder
    if source.url is None:
        origin = remote.note or "It is not published under an address of its own."
        state = f"and is not published as a file. {origin}"
    else:
        packed = " (a ZIP archive that holds it)" if source.zipped else ""
        state = f"and could not be downloaded from {source.url}{packed}: {reason}."
    return (
        f"{owner}: file {source.name} is not in {folder} {state} Put the file in "
        f"that folder, or set {DATA_VARIABLE} to a data folder that holds "
        f"{remote.folder}/{source.name}."
    )
