"""Each kind of leak, planted by hand, is found; a clean bundle of each kind of data is not suspected."""

import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from anonimage.data.store.sample_store import open_store
from anonimage.data.store.store import Store
from anonimage.pipelines.codecs import load_codec
from anonimage.pipelines.release.bundle import release
from anonimage.pipelines.release.leaks import OFFSETS, STRETCH, find_leaks
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.release.private import Private
from anonimage.pipelines.release.words import Words
from anonimage.pipelines.run_folder import RunFolder
from gated import judged
from PIL import Image, PngImagePlugin
from tiny import GAIN, write_patient

DEFAULT = load_policy("default")


class Case:
    """A bundle to plant something in, and what its source holds."""

    def __init__(self, out, to):
        self.folder, self.to = RunFolder(out), to
        assert release(out, to, DEFAULT, with_generator=True)
        self.codec = load_codec(self.folder.codec_file)
        self.private = Private.of_run(self.folder, self.codec)
        self.store = open_store(self.folder.store)

    def window(self, part="train", number=3):
        rows = np.flatnonzero(self.store.frame["part"] == part)
        return self.store.values(rows[number : number + 1])[0]  # C, L

    def offsets(self, n=10):
        return self.store.values(np.arange(n)).min(axis=2)[:, 0]

    def found(self):
        return {(finding.file, finding.kind) for finding in find_leaks(self.to, self.private, self.codec)}

    def append(self, name, text):
        with (self.to / name).open("a") as file:
            file.write(text)


@pytest.fixture(scope="module")
def clean(generated, tmp_path_factory):
    place = tmp_path_factory.mktemp("leaks")
    return Case(judged(shutil.copytree(generated(), place / "run")), place / "to")


@pytest.fixture
def case(clean, tmp_path):
    spoilt = object.__new__(Case)
    spoilt.__dict__ |= clean.__dict__ | {"to": shutil.copytree(clean.to, tmp_path / "to")}
    return spoilt


def test_a_clean_bundle_is_not_suspected(clean):
    assert clean.found() == set()
    assert clean.private.notes == []
    assert len(clean.private.traces) > 1000


RECORD = "synthetic/synthetic000003.dat"


def digital(values):
    return np.rint(GAIN * values).astype("<i2")


def rolled(values):
    """From the middle of the window on, after which something else follows."""
    half = values.shape[1] // 2
    noise = np.random.default_rng(0).normal(0, 0.3, (len(values), values.shape[1] - half))
    return np.concatenate([values[:, -half:], noise], axis=1)


@pytest.mark.parametrize("part", ["train", "control"])
@pytest.mark.parametrize("change", [lambda x: x, rolled, lambda x: x + 0.7, lambda x: x - x.min()])
def test_a_window_as_a_synthetic_record_shifted_or_on_another_offset(case, part, change):
    (case.to / RECORD).write_bytes(digital(change(case.window(part))).T.tobytes())
    assert case.found() == {(RECORD, STRETCH)}


def test_only_the_record_that_holds_it_is_named(case):
    for number in (7, 19):
        name = f"synthetic/synthetic{number:06d}.dat"
        (case.to / name).write_bytes(digital(case.window(number=number)).T.tobytes())
    assert case.found() == {(f"synthetic/synthetic{number:06d}.dat", STRETCH) for number in (7, 19)}


def as_npz(values):
    file = io.BytesIO()
    np.savez_compressed(file, a=values.astype(np.float64).T)
    return file.getvalue()


def as_npy(values):
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def as_parquet(values):
    file = io.BytesIO()
    pd.DataFrame({"i": list(values)}).to_parquet(file)
    return file.getvalue()


def as_columns(values):
    file = io.BytesIO()
    pd.DataFrame({"i": values[0]}).to_parquet(file)
    return file.getvalue()


FILES = {
    "values.npz": as_npz,
    "values.npy": as_npy,
    "values.parquet": as_parquet,
    "columns.parquet": as_columns,
    "values.csv": lambda x: pd.DataFrame(x.T).to_csv(sep=";").encode(),
    "values.json": lambda x: json.dumps({"i": x.tolist()}, indent=1).encode(),
    "digits.txt": lambda x: " ".join(map(str, digital(x)[0].tolist())).encode(),
    "floats.bin": lambda x: b"\0\0\0" + x.astype("<f4").tobytes(),
    "doubles.bin": lambda x: b"\0\1\2\3\0" + x.astype("<f8").tobytes(),
    "of_three.bin": lambda x: b"\0" + digital(np.concatenate([x, -x, x**2])).T.tobytes(),
    "ints.bin": lambda x: b"\0" + digital(x).tobytes(),
    "motorola.bin": lambda x: b"\0" + digital(x).astype(">i2").tobytes(),
}


@pytest.mark.parametrize("name", FILES)
def test_a_window_in_a_file_of_any_kind(case, name):
    (case.to / name).write_bytes(FILES[name](case.window()))
    assert case.found() >= {(name, STRETCH), (name, "something that is no part of a bundle")}


@pytest.mark.parametrize("name", ["datasheet.md", "codec.json", "audit.json", "policy.toml", "SHA256SUMS"])
def test_a_window_as_text_in_a_file_that_belongs_there(case, name):
    case.append(name, "\n" + ", ".join(f"{value:.3f}" for value in case.window()[0]) + "\n")
    assert (name, STRETCH) in case.found()


def test_a_window_among_the_weights(case):
    path = case.to / "generator" / "weights.safetensors"
    weights = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(weights | {"bias": case.window()}))
    assert case.found() == {("generator/weights.safetensors", STRETCH)}


def test_a_run_of_windows_own_offsets(case):
    case.append("audit.json", json.dumps([round(float(value), 3) for value in case.offsets()]))
    assert case.found() == {("audit.json", OFFSETS)}


def test_one_patients_offset_by_its_name_or_by_its_digits(case):
    offset = next(float(value) for value in case.offsets(60) if abs(value) > 0.1)
    for text in (f'"offset_mv": {offset:.3f}', f"{offset!r}"):
        (case.to / "audit.json").write_text((case.folder.audit).read_text() + text)
        assert case.found() == {("audit.json", OFFSETS)}, text
    (case.to / "audit.json").write_text(case.folder.audit.read_text() + '"auc": 0.513, "offset": "sampled"')
    assert case.found() == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("PATIENT004", "a patient's id"),
        ("see patient004/s0004_re.", "a record's name"),
        ("s0004_re", "a record's name"),
        ("Admission date:  01-Oct-1990", "header text"),
        ("01/oct/1990", "header text"),
    ],
)
@pytest.mark.parametrize("name", ["datasheet.md", "synthetic/synthetic000001.hea", "codec.json"])
def test_a_name_or_a_header_text(case, text, kind, name):
    words = ("admission", "date", "01", "oct", "1990")
    case.private = replace(case.private, texts=case.private.texts | dict.fromkeys([words, words[2:]], "header text"))
    case.append(name, f"\n# {text}\n")
    assert (name, kind) in case.found()


def test_header_texts_are_read_from_the_source(generated, tmp_path):
    out = shutil.copytree(generated(), tmp_path / "run")
    folder = RunFolder(out)
    about = json.loads(folder.about_file.read_text())
    source = shutil.copytree(about["source"], tmp_path / "source")
    folder.about_file.write_text(json.dumps(about | {"source": str(source)}))
    header = source / "patient005" / "s0005_re.hea"
    first, rest = header.read_text().split("\n", 1)
    header.write_text(f"{first} 10:21:33 01/10/1990\n{rest}# Attending: Dr. Mabuse of Berlin\n# Smoker: no\n")
    texts = Private.of_run(folder, load_codec(folder.codec_file)).texts
    for words in ("attending dr mabuse of berlin", "dr mabuse of berlin", "10 21 33", "01 10 1990", "smoker no"):
        assert texts[tuple(words.split())] == "header text"
    assert ("reason", "for", "admission", "healthy", "control") not in texts  # of three people
    case = Case(judged(out), tmp_path / "to")
    assert case.found() == set()
    case.append("synthetic/synthetic000002.hea", "# attending: DR. MABUSE of Berlin\n")
    assert case.found() == {("synthetic/synthetic000002.hea", "header text")}


@pytest.fixture
def native(case, tmp_path):
    """The case, whose source turns out to hold five people's three leads at 250 Hz, and the leads of one of them."""
    rng, source = np.random.default_rng(1), tmp_path / "native"
    people = [np.cumsum(rng.normal(0, 0.03, (3, 3000)), axis=1) for _ in range(5)]
    for number, signals in enumerate(people, start=1):
        write_patient(source, number, signals, fs=250)
    (source / "RECORDS").write_text("".join(f"patient{n:03d}/s{n:04d}_re\n" for n in range(1, 6)))
    out = shutil.copytree(case.folder.path, tmp_path / "run")
    case.folder = RunFolder(out)
    about = json.loads(case.folder.about_file.read_text())
    case.folder.about_file.write_text(json.dumps(about | {"source": str(source)}))
    return case, people[2]


NATIVE = "stretches of recordings at their own rate"


def test_recordings_as_they_were_recorded_all_leads_at_their_own_rate(native):
    case, signals = native
    (case.to / "third.bin").write_bytes(digital(signals[2:, 700:1200]).tobytes())
    case.append("datasheet.md", "\n" + ", ".join(f"{value:.3f}" for value in signals[0, 300:900]) + "\n")
    leaks = {("third.bin", STRETCH), ("datasheet.md", STRETCH)}
    assert not leaks & case.found()
    case.private = Private.of_run(case.folder, case.codec)
    assert NATIVE in case.private.searched
    assert leaks <= case.found()


def test_of_large_sources_fewer_stretches_are_kept_and_long_copies_still_found(native, monkeypatch):
    case, signals = native
    monkeypatch.setattr("anonimage.pipelines.release.private.MOST_STRETCHES", 30_000)
    whole = Private.of_run(case.folder, case.codec)
    monkeypatch.setattr("anonimage.pipelines.release.private.MOST_STRETCHES", 3_000)
    case.private = Private.of_run(case.folder, case.codec)
    assert len(case.private.traces) < 0.6 * len(whole.traces)
    (case.to / "third.bin").write_bytes(digital(signals[2:]).tobytes())
    assert ("third.bin", STRETCH) in case.found()


def test_what_of_the_recordings_was_not_looked_for_is_told(native, tmp_path, monkeypatch):
    case, _ = native
    (tmp_path / "native" / "patient002" / "s0002_re.dat").unlink()
    assert "1 of 5 recordings could not be read whole" in Private.of_run(case.folder, case.codec).notes[0]
    monkeypatch.setattr("anonimage.pipelines.release.private.MOST_VALUES", 10_000)
    private = Private.of_run(case.folder, case.codec)
    assert private.notes == [note for note in private.notes if "45000 values are more than the 10000" in note] != []
    assert NATIVE not in private.searched
    assert release(case.folder.path, tmp_path / "again", DEFAULT)
    sheet = (tmp_path / "again" / "datasheet.md").read_text()
    assert private.notes[0] in sheet
    assert NATIVE not in sheet
    assert NATIVE in (case.to / "datasheet.md").read_text()


def test_a_number_in_the_decimals_of_another_is_no_id(case):
    case.private = replace(case.private, texts={("123456",): "a patient's id"})
    case.append("audit.json", '\n{"value": 0.123456, "low": -7.123456}\n')
    assert case.found() == set()
    for text in ("id=123456", "of 123456.", "[1, 123456]"):
        (case.to / "audit.json").write_text(text)
        assert case.found() == {("audit.json", "a patient's id")}, text


def picture_with_a_name(case):
    said = PngImagePlugin.PngInfo()
    said.add_text("Description", "of patient004", zip=True)
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(case.to / "synthetic" / "a.png", pnginfo=said)
    return "synthetic/a.png"


def weights_with_a_name(case):
    path = case.to / "generator" / "weights.safetensors"
    weights = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(weights, {"from": "patient004"}))
    return "generator/weights.safetensors"


def table_with_a_name(case):
    pd.DataFrame({"whose": ["patient004"] * 3}).to_parquet(case.to / "synthetic" / "signals.parquet")
    return "synthetic/signals.parquet"


def array_with_a_name(case):
    np.savez_compressed(case.to / "synthetic" / "signals.npz", whose=np.array(["patient004"]))
    return "synthetic/signals.npz"


def file_with_a_name(case):
    (case.to / "generator" / "patient004.txt").write_text("nothing")
    return "generator/patient004.txt"


@pytest.mark.parametrize(
    "plant", [picture_with_a_name, weights_with_a_name, table_with_a_name, array_with_a_name, file_with_a_name]
)
def test_an_id_where_no_text_is_expected(case, plant):
    name = plant(case)
    assert (name, "a patient's id") in case.found()


def test_files_columns_and_links_that_no_bundle_has(case):
    source = next(case.private.files[size] for size in case.private.files)
    shutil.copy(sorted(source)[0], case.to / "synthetic" / "synthetic000001.hea")
    table = pd.read_csv(case.to / "synthetic" / "samples.csv")
    table.assign(source_record="x").to_csv(case.to / "synthetic" / "samples.csv", index=False)
    (case.to / "synthetic" / "link.dat").symlink_to(case.folder.about_file)
    shutil.copytree(case.folder.checkpoints, case.to / "checkpoints")
    found = case.found()
    assert ("synthetic/synthetic000001.hea", "a file of the source") in found
    assert ("synthetic/samples.csv", "a column that no generated sample has") in found
    assert ("synthetic/link.dat", "a link, not a file") in found
    assert any(file.startswith("checkpoints/") and "no part of a bundle" in kind for file, kind in found)


def test_short_and_common_names_give_no_false_alarm_in_texts_but_do_as_names(case):
    case.private = replace(case.private, ids={*case.private.ids, "1", "i", "100"})
    assert case.found() == set()
    (case.to / "100.txt").write_text("nothing")
    assert ("100.txt", "the name of a patient or a record, as a file's name") in case.found()


def test_an_id_of_common_words_is_looked_for_only_as_it_is_spelt(case):
    words = Words(set())
    words.add(["data/12", "person_01", "person", "7", "Anna"], "a patient's id")
    assert words.texts.keys() == {("data", "12"), ("person", "01"), ("anna",)}
    assert words.ids == {"person", "7"}
    words.add(
        ["positive", "fail", "strict", "float", "not measured", "members"], "a cell of a column that was left out"
    )
    assert len(words.texts) == 3  # of these the audit, the policy and the datasheet are full
    case.private = replace(case.private, texts=words.texts, literal=words.literal)
    case.append("datasheet.md", "\ndata: 12, a person, 01 times\n")
    assert case.found() == set()
    case.append("datasheet.md", "\nas in Person_01.\n")
    assert case.found() == {("datasheet.md", "a patient's id")}


def test_a_flat_line_and_a_ramp_are_nobodys(case):
    traces = case.private.traces
    length = case.window().shape[1]
    assert traces.find(np.zeros((1, length), int)) is None
    assert traces.find(np.arange(length)[None]) is None


def test_a_leak_is_a_refusal_that_does_not_repeat_it(ready, tmp_path):
    folder = RunFolder(ready)
    store = open_store(folder.store)
    assert isinstance(store, Store)
    (ready / RECORD).write_bytes(digital(store.values(np.array([3]))[0]).T.tobytes())
    with (ready / "synthetic" / "synthetic000004.hea").open("a") as file:
        file.write("# patient002\n")
    judged(ready)
    assert not release(ready, tmp_path / "to", DEFAULT)
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["refusal.md"]
    text = (tmp_path / "to" / "refusal.md").read_text()
    assert f"{RECORD}: holds {STRETCH}" in text
    assert "synthetic/synthetic000004.hea: holds a patient's id" in text
    assert "patient002" not in text


def test_a_source_that_is_gone_is_told_of_in_the_datasheet(ready, tmp_path):
    folder = RunFolder(ready)
    about = json.loads(folder.about_file.read_text())
    folder.about_file.write_text(json.dumps(about | {"source": str(tmp_path / "gone")}))
    assert release(ready, tmp_path / "to", DEFAULT)
    assert "The source was no longer where" in (tmp_path / "to" / "datasheet.md").read_text()


def test_records_in_folders_are_searched_as_well(case):
    folder = case.to / "synthetic" / "part0000"
    folder.mkdir()
    for file in (case.to / "synthetic").glob("synthetic*"):
        file.rename(folder / file.name)
    assert case.found() == set()
    digital(case.window().T).tofile(folder / "synthetic000003.dat")
    assert ("synthetic/part0000/synthetic000003.dat", STRETCH) in case.found()


def test_a_folder_of_another_name_is_suspected(case):
    (case.to / "synthetic" / "patient001").mkdir()
    (case.to / "synthetic" / "synthetic000003.dat").rename(case.to / "synthetic" / "patient001" / "synthetic000003.dat")
    assert {file for file, _ in case.found()} == {"synthetic/patient001/synthetic000003.dat"}
