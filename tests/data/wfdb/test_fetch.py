"""Downloads from a mirror on this machine: whole, resumed, checked; only loopback traffic."""

import hashlib
import socket
import threading
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import wfdb
from anonimage.data.wfdb.fetch import DATABASES, fetch
from anonimage.data.wfdb.writer import write_record
from anonimage.errors import InputError
from wfdb.io import download


class Mirror:
    """A folder laid out like physionet.org/files, served over HTTP, that counts what was asked for."""

    def __init__(self, folder: Path, port: int) -> None:
        self.root = folder / DATABASES["ptbdb"]
        self.url = f"http://127.0.0.1:{port}/files"
        self.requests: Counter[str] = Counter()
        self.broken: set[str] = set()  # names answered with an error of the server, once each

    def sign(self) -> None:
        """Write SHA256SUMS.txt over what is there."""
        names = [path for path in sorted(self.root.rglob("*")) if path.is_file() and path.name != "SHA256SUMS.txt"]
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(self.root)}\n" for path in names]
        (self.root / "SHA256SUMS.txt").write_text("".join(lines))

    def asked(self) -> Counter[str]:
        """What was asked for since the last call."""
        asked, self.requests = self.requests, Counter()
        return asked


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = tmp_path / "served"
    (served / "files").mkdir(parents=True)

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            name = self.path.split(f"{DATABASES['ptbdb']}/")[-1]
            here.requests[name] += 1
            if name in here.broken:
                here.broken.discard(name)
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served))) as server:
        here = Mirror(served / "files", server.server_address[1])
        rng = np.random.default_rng(0)
        for name in ("patient001/s0001_re", "patient001/s0002_re", "patient002/s0003_re"):
            folder, record = (here.root / name).parent, Path(name).name
            folder.mkdir(parents=True, exist_ok=True)
            digital = rng.integers(-500, 500, (3, 400)).astype(np.int16)
            write_record(
                folder / record, digital, 1000, [2000.0] * 3, ["mV"] * 3, ["i", "ii", "vx"], [], ["dat", "dat", "xyz"]
            )
        (here.root / "RECORDS").write_text("patient001/s0001_re\npatient001/s0002_re\npatient002/s0003_re\n")
        (here.root / "LICENSE.txt").write_text("ODC-BY\n")
        (here.root / "figures").mkdir()
        (here.root / "figures" / "photo.gif").write_bytes(b"GIF89a")
        here.sign()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield here
        server.shutdown()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_whole_database_comes_and_wfdb_reads_it(mirror, tmp_path):
    calls: list[tuple[int, int]] = []
    dest = fetch(
        "ptbdb", tmp_path / "new" / "ptbdb", mirror.url, progress=lambda done, total: calls.append((done, total))
    )
    wanted = contents(mirror.root)
    del wanted["figures/photo.gif"]  # neither of a record nor beside RECORDS
    assert contents(dest) == wanted
    assert set(mirror.asked().values()) == {1}
    assert calls == [(k, 11) for k in range(1, 12)]
    for name in (dest / "RECORDS").read_text().split():
        assert wfdb.rdrecord(str(dest / name)).p_signal.shape == (400, 3)


def test_a_second_run_fetches_only_what_is_missing_or_wrong(mirror, tmp_path):
    dest = fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    mirror.asked()
    assert mirror.asked() == Counter()
    fetch("ptbdb", dest, mirror.url)
    assert mirror.asked() == Counter({"SHA256SUMS.txt": 1})
    (dest / "patient001/s0001_re.xyz").unlink()
    cut = dest / "patient002/s0003_re.dat"
    cut.write_bytes(cut.read_bytes()[:100])
    edited = dest / "patient001/s0002_re.dat"
    edited.write_bytes(bytes(edited.stat().st_size))
    fetch("ptbdb", dest, mirror.url)
    again = ["SHA256SUMS.txt", "patient001/s0001_re.xyz", "patient002/s0003_re.dat", "patient001/s0002_re.dat"]
    assert mirror.asked() == Counter(again)
    assert contents(dest) == {name: data for name, data in contents(mirror.root).items() if "figures" not in name}


def test_a_wrong_checksum_names_the_file_and_keeps_the_rest(mirror, tmp_path):
    (mirror.root / "patient001/s0002_re.dat").write_bytes(b"not what was signed")
    with pytest.raises(InputError, match=r"patient001/s0002_re\.dat: .*SHA-256.*run the same command again") as error:
        fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert "\n" not in str(error.value)
    there = contents(tmp_path / "ptbdb")
    assert "patient001/s0002_re.dat" not in there
    signed = contents(mirror.root)
    assert all(signed[name] == data for name, data in there.items())  # and no partial file


def test_a_hiccup_of_the_server_is_tried_again(mirror, tmp_path):
    mirror.broken = {"patient001/s0001_re.dat"}
    dest = fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert mirror.asked()["patient001/s0001_re.dat"] == 2
    assert (dest / "patient001/s0001_re.dat").is_file()


def test_a_file_the_server_lacks_is_named_and_the_run_can_go_on(mirror, tmp_path):
    gone = mirror.root / "patient002/s0003_re.xyz"
    data = gone.read_bytes()
    gone.unlink()
    with pytest.raises(InputError, match=r"patient002/s0003_re\.xyz: cannot be fetched \(HTTP 404\)"):
        fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    gone.write_bytes(data)
    fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert (tmp_path / "ptbdb/patient002/s0003_re.xyz").read_bytes() == data


def test_leftovers_of_a_killed_run_are_swept(mirror, tmp_path):
    left = tmp_path / "ptbdb/patient001/.s0001_re.dat.partial-99999"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert not left.exists()


def test_a_full_disk_is_not_blamed_on_the_network(mirror, tmp_path, monkeypatch):
    def full(url: str, path: str) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(download, "dl_full_file", full)
    with pytest.raises(OSError, match="No space left"):
        fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert contents(tmp_path / "ptbdb") == {}


def test_wfdbs_own_settings_stay_as_they_were(mirror, tmp_path):
    before = download.config.db_index_url
    fetch("ptbdb", tmp_path / "ptbdb", mirror.url)
    assert download.config.db_index_url == before


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "patient001/../../outside", "..\\outside"])
def test_a_mirror_cannot_write_outside_of_the_folder(mirror, tmp_path, name):
    with (mirror.root / "SHA256SUMS.txt").open("a") as file:
        file.write(f"{'0' * 64} {name}\n")
    with pytest.raises(InputError, match="outside of the database"):
        fetch("ptbdb", tmp_path / "ptbdb", mirror.url)


def test_an_answer_that_is_no_checksum_file_is_refused(mirror, tmp_path):
    (mirror.root / "SHA256SUMS.txt").write_text("<html>please log in</html>\n")
    with pytest.raises(InputError, match=r"SHA256SUMS\.txt: line 1 "):
        fetch("ptbdb", tmp_path / "ptbdb", mirror.url)


def test_unknown_names_offer_the_near_ones(mirror, tmp_path):
    with pytest.raises(InputError, match=r"'ptbbd' is not known; did you mean 'ptbdb'\? There are .*mitdb"):
        fetch("ptbbd", tmp_path / "x", mirror.url)


def test_a_server_that_does_not_answer_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:  # bound and not listening: nobody answers on this port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/files"
        with pytest.raises(InputError, match=r"cannot be fetched \(Connection refused\); check the network") as error:
            fetch("ptbdb", tmp_path / "ptbdb", url)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/files", "/a/folder"])
def test_a_base_url_must_be_a_web_address(tmp_path, url):
    with pytest.raises(InputError, match="is no web address"):
        fetch("ptbdb", tmp_path / "ptbdb", url)
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "ptbdb").write_text("mine")
    with pytest.raises(InputError, match="ptbdb: is a file"):
        fetch("ptbdb", tmp_path / "ptbdb", "http://127.0.0.1:1/files")
