"""Files are found, verified, and downloaded only where they are missing."""

import functools
import gzip
import hashlib
import http.server
import io
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest

from skcausal.datasets import (
    DatasetCorruptError,
    DatasetNotFoundError,
    _fetch,
    fetch_hillstrom,
    fetch_ihdp,
    fetch_lalonde,
)
from skcausal.datasets._fetch import RemoteFile, Source, content_digest, load

TABLE = b"a,b\n1,2.5\n3,4.5\n"
FRAME = pd.DataFrame({"a": [1, 3], "b": [2.5, 4.5]})
DEAD_ADDRESS = "http://127.0.0.1:1/table.csv"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Point the library at an empty data folder."""
    folder = tmp_path / "data"
    monkeypatch.setenv("SKCAUSAL_DATA", str(folder))
    return folder


@pytest.fixture
def site(tmp_path):
    """Serve a folder on this machine; give the folder and its address."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            """Keep the test output clean."""

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def remote_table(url=None, digest=None, **options):
    source = Source("table.csv", digest or sha256(TABLE), url, **options)
    return RemoteFile("set", (source,))


def put(home, name, content):
    path = home / "set" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_file_in_the_folder_is_read_without_any_download(home):
    put(home, "table.csv", TABLE)
    data, source = load(remote_table(DEAD_ADDRESS), "owner")
    pd.testing.assert_frame_equal(data, FRAME)
    assert source.name == "table.csv"


@pytest.mark.parametrize("level", [1, 9])
def test_gzipped_copy_is_known_by_its_content(home, level):
    put(home, "table.csv.gz", gzip.compress(TABLE, level))
    pd.testing.assert_frame_equal(load(remote_table(), "owner")[0], FRAME)


def test_sources_are_tried_in_their_order(home):
    first = Source("first.csv", sha256(TABLE))
    second = Source("second.csv", sha256(b"a\n1\n"))
    remote = RemoteFile("set", (first, second))
    put(home, "second.csv", b"a\n1\n")
    assert load(remote, "owner")[1] is second
    put(home, "first.csv", TABLE)
    assert load(remote, "owner")[1] is first


def test_download_from_a_server(home, site, capsys):
    folder, address = site
    (folder / "table.csv").write_bytes(TABLE)
    data, _ = load(remote_table(f"{address}/table.csv"), "owner")
    pd.testing.assert_frame_equal(data, FRAME)
    assert (home / "set" / "table.csv").read_bytes() == TABLE
    assert [path.name for path in (home / "set").iterdir()] == ["table.csv"]
    assert "table.csv" in capsys.readouterr().err  # the progress bar
    (folder / "table.csv").unlink()
    pd.testing.assert_frame_equal(
        load(remote_table(f"{address}/table.csv"), "owner")[0], FRAME
    )


def test_download_from_a_file_address(home, tmp_path):
    (tmp_path / "origin.csv").write_bytes(TABLE)
    url = (tmp_path / "origin.csv").as_uri()
    pd.testing.assert_frame_equal(load(remote_table(url), "owner")[0], FRAME)


def test_download_of_the_only_file_of_an_archive(home, tmp_path):
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        archive.writestr("folder/anything.csv", TABLE)
        archive.writestr("__MACOSX/noise", b"")
    url = (tmp_path / "table.zip").as_uri()
    data, _ = load(remote_table(url, zipped=True), "owner")
    pd.testing.assert_frame_equal(data, FRAME)
    assert [path.name for path in (home / "set").iterdir()] == ["table.csv"]


def test_archive_of_two_files_is_refused(home, tmp_path):
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        archive.writestr("one.csv", TABLE)
        archive.writestr("two.csv", TABLE)
    url = (tmp_path / "table.zip").as_uri()
    with pytest.raises(DatasetNotFoundError, match=r"one file expected.*two\.csv"):
        load(remote_table(url, zipped=True), "owner")


def test_corrupt_file_names_both_hashes(home):
    path = put(home, "table.csv", b"a,b\n1,9.9\n")
    with pytest.raises(DatasetCorruptError) as caught:
        load(remote_table(DEAD_ADDRESS), "fetch_table")
    message = str(caught.value)
    assert message.startswith(f"fetch_table: file {path} is not the expected one")
    assert sha256(TABLE) in message
    assert sha256(b"a,b\n1,9.9\n") in message
    assert "Delete the file" in message
    assert path.exists()


CUT = gzip.compress(TABLE, mtime=0)[
    :-9
]  # a time stamp would change the name of the test


@pytest.mark.parametrize("content", [b"no gzip", CUT], ids=["no gzip", "cut short"])
def test_damaged_gzip_is_corrupt(home, content):
    put(home, "table.csv.gz", content)
    with pytest.raises(DatasetCorruptError, match="unreadable"):
        load(remote_table(), "owner")


def test_corrupt_download_leaves_nothing_behind(home, site):
    folder, address = site
    (folder / "table.csv").write_bytes(b"<html>moved</html>")
    with pytest.raises(DatasetCorruptError, match=sha256(TABLE)):
        load(remote_table(f"{address}/table.csv"), "owner")
    assert list((home / "set").iterdir()) == []


def test_interrupted_download_leaves_nothing_behind(home, tmp_path, monkeypatch):
    (tmp_path / "origin.csv").write_bytes(TABLE)

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_fetch, "_copy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(remote_table((tmp_path / "origin.csv").as_uri()), "owner")
    assert list((home / "set").iterdir()) == []


def test_short_download_is_an_error():
    with pytest.raises(ConnectionError, match="closed after 16 of 99 bytes"):
        _fetch._copy(io.BytesIO(TABLE), io.BytesIO(), 99, "table.csv")


def test_offline_error_says_what_is_missing_and_where_to_put_it(home):
    with pytest.raises(DatasetNotFoundError) as caught:
        load(remote_table(DEAD_ADDRESS), "fetch_table")
    message = str(caught.value)
    assert message.startswith(f"fetch_table: file table.csv is not in {home / 'set'}")
    assert f"could not be downloaded from {DEAD_ADDRESS}" in message
    assert "set SKCAUSAL_DATA to a data folder that holds set/table.csv" in message
    assert isinstance(caught.value, OSError)


def test_missing_page_is_not_found(home, site):
    with pytest.raises(DatasetNotFoundError, match="404"):
        load(remote_table(f"{site[1]}/table.csv"), "owner")


def test_unpublished_file_tells_how_to_make_it(home):
    remote = RemoteFile("set", remote_table().sources, note="Run the R script.")
    with pytest.raises(DatasetNotFoundError, match=r"not published.*Run the R script"):
        load(remote, "owner")
    assert not home.exists()


def test_unwritable_folder_is_reported(home, tmp_path):
    (tmp_path / "origin.csv").write_bytes(TABLE)
    home.write_bytes(b"a file where the folder should be")
    with pytest.raises(DatasetNotFoundError, match=r"is not in .*data/set"):
        load(remote_table((tmp_path / "origin.csv").as_uri()), "owner")


def test_folder_is_chosen_by_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SKCAUSAL_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert _fetch.data_folder() == tmp_path
    monkeypatch.setenv("SKCAUSAL_DATA", "")
    assert _fetch.data_folder() == tmp_path / "cache" / "skcausal"
    monkeypatch.delenv("SKCAUSAL_DATA")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert _fetch.data_folder() == tmp_path / ".cache" / "skcausal"


def known_by_content(sources):
    digest = content_digest(FRAME, ("a", "b"))
    return RemoteFile("set", sources, ("a", "b"), digest)


def test_stata_file_is_verified_by_its_content(home, tmp_path):
    path = tmp_path / "origin.dta"
    FRAME.astype(np.float32).iloc[::-1].to_stata(path, write_index=False)
    source = Source("table.dta", None, path.as_uri())
    data, _ = load(known_by_content((source,)), "owner")
    assert content_digest(data, ("a", "b")) == content_digest(FRAME, ("a", "b"))


def test_other_bytes_of_the_same_content_are_accepted(home):
    put(home, "table.csv", b"b,a\n4.5,3\n2.5,1\n")
    data, _ = load(known_by_content(remote_table().sources), "owner")
    assert data["a"].tolist() == [3, 1]


@pytest.mark.parametrize("content", [b"a,b\n1,2.5\n3,4.6\n", b"a\n1\n", b"a,b\nx,y\n"])
def test_other_content_is_refused(home, content):
    put(home, "table.csv", content)
    with pytest.raises(DatasetCorruptError, match="not the expected one"):
        load(known_by_content(remote_table().sources), "owner")


def test_content_digest_forgives_rounding_and_minus_zero_only():
    base = {"x": np.array([[0.0, 1.0], [2.0, 3.0]])}
    same = {"x": np.array([[2.0, 3.0 + 1e-12], [-0.0, 1.0]])}
    other = {"x": np.array([[0.0, 1.0], [2.0, 3.0001]])}
    assert content_digest(base, ("x",)) == content_digest(same, ("x",))
    assert content_digest(base, ("x",)) != content_digest(other, ("x",))


def test_arrays_are_read_without_pickles(home, tmp_path):
    np.savez(tmp_path / "plain.npz", a=np.arange(3))
    assert _fetch.read(tmp_path / "plain.npz")["a"].tolist() == [0, 1, 2]
    np.savez(tmp_path / "objects.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        _fetch.read(tmp_path / "objects.npz")


@pytest.mark.parametrize("fetch", [fetch_hillstrom, fetch_ihdp, fetch_lalonde])
def test_loader_without_data_names_itself(home, monkeypatch, fetch):
    def refuse(*args):
        raise ConnectionError("no network")

    monkeypatch.setattr(_fetch, "_copy_from_url", refuse)
    with pytest.raises(DatasetNotFoundError, match=f"^{fetch.__name__}: .*no network"):
        fetch()
