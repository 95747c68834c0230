"""Each kind of leak, planted by hand, is found; a clean bundle of each kind of data is not suspected."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from anonimage.data.store.store import open_store
from anonimage.pipelines.kinds import load_codec
from anonimage.pipelines.kinds.signals import WfdbRecords
from anonimage.pipelines.release.bundle import release
from anonimage.pipelines.release.leaks import find_leaks
from anonimage.pipelines.release.policy import load_policy
from anonimage.pipelines.release.source_index import OFFSETS, STRETCH, SourceIndex, own_words, words_of
from anonimage.pipelines.run_folder import RunFolder
from gated import judged
from tiny import GAIN, write_patient

DEFAULT = load_policy("default")


class Case:
    """A bundle to plant something in, and what its source holds."""

    def __init__(self, out, to):
        self.folder, self.to = RunFolder(out), to
        assert release(out, to, DEFAULT, with_generator=True)
        self.codec = load_codec(self.folder.codec_file)
        self.index = SourceIndex.of_run(self.folder, self.codec)
        self.store = open_store(self.folder.store)

    def window(self, part="train", number=3):
        rows = np.flatnonzero(self.store.frame["part"] == part)
        return self.store.values(rows[number : number + 1])[0]  # C, L

    def offsets(self, n=10):
        return self.store.values(np.arange(n)).min(axis=2)[:, 0]

    def found(self):
        return {(finding.file, finding.what) for finding in find_leaks(self.to, self.index, self.codec)}

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
    assert clean.index.notes == []
    assert len(clean.index.traces) > 1000


RECORD = "synthetic/synthetic000003"
PATIENT, HEADER = "the id of a patient", "a text of a header"


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
    (case.to / f"{RECORD}.dat").write_bytes(digital(change(case.window(part))).T.tobytes())
    assert case.found() == {(RECORD, STRETCH)}


def test_only_the_record_that_holds_it_is_named(case):
    for number in (7, 19):
        name = f"synthetic/synthetic{number:06d}"
        (case.to / f"{name}.dat").write_bytes(digital(case.window(number=number)).T.tobytes())
    assert case.found() == {(f"synthetic/synthetic{number:06d}", STRETCH) for number in (7, 19)}


FOREIGN = "something that was not written for it"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "values.npz",
            "notes.txt",
            "floats.bin",
            "synthetic/a.png",
            "synthetic/signals.parquet",
            "synthetic/about.json",
        ),
        *("synthetic/synthetic000001.csv", "synthetic/recordings.dat", "synthetic/part0000/patient001.dat"),
        *(
            "generator/optimizer.safetensors",
            "synthetic/real/synthetic000001.dat",
            ".hidden",
            "checkpoints/step-4/x.json",
        ),
    ],
)
def test_a_file_that_was_not_written_for_it_is_refused_whatever_it_holds(case, name):
    (case.to / name).parent.mkdir(parents=True, exist_ok=True)
    (case.to / name).write_bytes(b"nothing")
    assert case.found() == {(name, FOREIGN)}


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
        ("PATIENT004", PATIENT),
        ("see patient004/s0004_re.", "the name of a record"),
        ("s0004_re", "the name of a record"),
        ("Admission date:  01-Oct-1990", HEADER),
        ("01/oct/1990", HEADER),
    ],
)
@pytest.mark.parametrize("name", ["datasheet.md", "synthetic/synthetic000001.hea", "codec.json"])
def test_a_name_or_a_header_text(case, text, kind, name):
    words = ("admission", "date", "01", "oct", "1990")
    case.index = replace(case.index, texts=case.index.texts | dict.fromkeys([words, words[2:]], HEADER))
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
    texts = SourceIndex.of_run(folder, load_codec(folder.codec_file)).texts
    for words in ("attending dr mabuse of berlin", "dr mabuse of berlin", "10 21 33", "01 10 1990", "smoker no"):
        assert texts[tuple(words.split())] == HEADER
    assert ("reason", "for", "admission", "healthy", "control") not in texts  # of three people
    case = Case(judged(out), tmp_path / "to")
    assert case.found() == set()
    case.append("synthetic/synthetic000002.hea", "# attending: DR. MABUSE of Berlin\n")
    assert case.found() == {("synthetic/synthetic000002.hea", HEADER)}


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


NATIVE = "a stretch of a recording at its own rate"


def test_recordings_as_they_were_recorded_all_leads_at_their_own_rate(native):
    case, signals = native
    weights = case.to / "generator" / "weights.safetensors"
    tensors = safetensors.numpy.load(weights.read_bytes())
    weights.write_bytes(safetensors.numpy.save(tensors | {"bias": signals[2:, 700:1200]}))
    case.append("datasheet.md", "\n" + ", ".join(f"{value:.3f}" for value in signals[0, 300:900]) + "\n")
    leaks = {("generator/weights.safetensors", STRETCH), ("datasheet.md", STRETCH)}
    assert not leaks & case.found()
    case.index = SourceIndex.of_run(case.folder, case.codec)
    assert NATIVE in case.index.searched
    assert leaks <= case.found()


def test_of_large_sources_fewer_stretches_are_kept_and_long_copies_still_found(native, monkeypatch):
    case, signals = native
    monkeypatch.setattr("anonimage.pipelines.release.source_index.MOST_STRETCHES", 30_000)
    whole = SourceIndex.of_run(case.folder, case.codec)
    monkeypatch.setattr("anonimage.pipelines.release.source_index.MOST_STRETCHES", 3_000)
    case.index = SourceIndex.of_run(case.folder, case.codec)
    assert len(case.index.traces) < 0.6 * len(whole.traces)
    case.append("datasheet.md", "\n" + " ".join(map(str, digital(signals[2]).tolist())) + "\n")  # as it was stored
    assert ("datasheet.md", STRETCH) in case.found()


def test_what_of_the_recordings_was_not_looked_for_is_told(native, tmp_path, monkeypatch):
    case, _ = native
    (tmp_path / "native" / "patient002" / "s0002_re.dat").unlink()
    assert "1 of 5 recordings could not be read whole" in SourceIndex.of_run(case.folder, case.codec).notes[0]
    monkeypatch.setattr("anonimage.pipelines.release.source_index.MOST_VALUES", 10_000)
    private = SourceIndex.of_run(case.folder, case.codec)
    assert private.notes == [note for note in private.notes if "45000 values are more than the 10000" in note] != []
    assert NATIVE not in private.searched
    assert release(case.folder.path, tmp_path / "again", DEFAULT)
    sheet = (tmp_path / "again" / "datasheet.md").read_text()
    assert private.notes[0] in sheet
    assert NATIVE not in sheet
    assert NATIVE in (case.to / "datasheet.md").read_text()


def test_a_number_in_the_decimals_of_another_is_no_id(case):
    case.index = replace(case.index, texts={("123456",): PATIENT}, spelt={})
    case.append("audit.json", '\n{"value": 0.123456, "low": -7.123456}\n')
    assert case.found() == set()
    for text in ("id=123456", "of 123456.", "[1, 123456]"):
        (case.to / "audit.json").write_text(text)
        assert case.found() == {("audit.json", PATIENT)}, text


def test_a_text_that_holds_a_decimal_number_is_found():
    index = SourceIndex()
    index.add_texts(["ejection fraction: 0.45 (jane)", "11:04:05.250 at ward"], "header texts", set())
    assert index.in_text("# ejection fraction: 0.45 (jane)") == {"header texts"}
    assert index.in_text("at 11:04:05.250 at ward") == {"header texts"}
    assert index.in_text("a value of 0.45 and 5.250") == set()


@pytest.mark.parametrize("name", ["synthetic000001.dat", "synthetic999999.dat"])
def test_signals_that_no_header_covers_are_not_released(case, name):
    with (case.to / "synthetic" / name).open("ab") as file:
        file.write(np.rint(GAIN * case.window()).astype("<i2").tobytes())
    assert case.found() == {(f"synthetic/{name}", "something that was not written for it")}


def test_a_window_in_the_comment_of_a_header(case):
    case.append("synthetic/synthetic000001.hea", f"# {' '.join(map(str, case.window()[0].tolist()))}\n")
    assert ("synthetic/synthetic000001.hea", STRETCH) in case.found()


def test_what_lies_between_and_behind_the_windows_is_known(case):
    name, record = next(iter(case.store.records.items()))
    between = [case.store.length // 3, record.n_samples - case.store.length]
    values = case.store.windows([name] * len(between), between)[:, 0]
    assert case.index.stretches(values).tolist() == [0, 1]


def test_an_id_in_the_header_of_the_weights(case):
    path = case.to / "generator" / "weights.safetensors"
    weights = safetensors.numpy.load(path.read_bytes())
    path.write_bytes(safetensors.numpy.save(weights, {"from": "patient004"}))
    assert case.found() == {("generator/weights.safetensors", PATIENT)}


def test_columns_and_links_that_no_bundle_has(case):
    table = pd.read_csv(case.to / "synthetic" / "samples.csv")
    table.assign(source_record="x").to_csv(case.to / "synthetic" / "samples.csv", index=False)
    assert case.found() == {("synthetic/samples.csv", "a column that no generated sample has")}
    table.assign(record="s0004").to_csv(case.to / "synthetic" / "samples.csv", index=False)
    assert ("synthetic/samples.csv", "a name that no generated sample has") in case.found()
    table.to_csv(case.to / "synthetic" / "samples.csv", index=False)
    (case.to / "synthetic" / "synthetic000001.dat").unlink()
    (case.to / "synthetic" / "synthetic000001.dat").symlink_to(case.folder.about_file)
    assert case.found() == {("synthetic/synthetic000001.dat", "a link, not a file")}


def test_an_id_of_common_words_is_searched_for_only_as_it_is_spelt(case):
    index = SourceIndex()
    index.add_texts(["data/12", "person_01", "person", "7", "Anna"], PATIENT, set())
    assert index.texts.keys() == {("data", "12"), ("person", "01"), ("anna",)}
    cells = ["positive", "fail", "strict", "float", "not measured", "members"]
    index.add_texts(cells, "a cell of a column that was left out", set())
    assert len(index.texts) == 3  # of these the audit, the policy and the datasheet are full
    case.index = replace(case.index, texts=index.texts, spelt=index.spelt)
    case.append("datasheet.md", "\ndata: 12, a person, 01 times\n")
    assert case.found() == set()
    case.append("datasheet.md", "\nas in Person_01.\n")
    assert case.found() == {("datasheet.md", PATIENT)}


def test_every_word_that_the_documents_of_a_bundle_hold_is_known(clean):
    known, _ = own_words()
    declared = {word for text in WfdbRecords().open_texts(clean.codec) for word in words_of(text)}
    for name in ("datasheet.md", "audit.json", "policy.toml", "codec.json", "generator/architecture.json"):
        words = {word for word in words_of((clean.to / name).read_text()) if word.isalpha() and len(word) > 3}
        assert sorted(words - known - declared) == [], f"{name}: add these words to vocabulary.txt"


def test_a_flat_line_and_a_ramp_are_nobodys(case):
    traces = case.index.traces
    length = case.window().shape[1]
    assert not len(traces.find(np.zeros((1, length), int)))
    assert not len(traces.find(np.arange(length)[None]))


def test_a_leak_is_a_refusal_that_does_not_repeat_it(ready, tmp_path):
    folder = RunFolder(ready)
    store = open_store(folder.store)
    (ready / f"{RECORD}.dat").write_bytes(digital(store.values(np.array([3]))[0]).T.tobytes())
    with (ready / "synthetic" / "synthetic000004.hea").open("a") as file:
        file.write("# patient002\n")
    judged(ready)
    assert not release(ready, tmp_path / "to", DEFAULT)
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["refusal.md"]
    text = (tmp_path / "to" / "refusal.md").read_text()
    assert f"{RECORD}: holds {STRETCH}" in text
    assert "synthetic/synthetic000004.hea: holds the id of a patient" in text
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
    names = (case.to / "synthetic" / "RECORDS").read_text().split()
    (case.to / "synthetic" / "RECORDS").write_text("".join(f"part0000/{name}\n" for name in names))
    table = pd.read_csv(case.to / "synthetic" / "samples.csv")
    table.assign(record="part0000/" + table["record"]).to_csv(case.to / "synthetic" / "samples.csv", index=False)
    record = "part0000/synthetic000003"
    assert case.found() == set()
    digital(case.window().T).tofile(folder / "synthetic000003.dat")
    assert (f"synthetic/{record}", STRETCH) in case.found()


def test_a_folder_of_another_name_is_suspected(case):
    (case.to / "synthetic" / "patient001").mkdir()
    (case.to / "synthetic" / "synthetic000003.dat").rename(case.to / "synthetic" / "patient001" / "synthetic000003.dat")
    assert {file for file, _ in case.found()} == {"synthetic/patient001/synthetic000003.dat"}
