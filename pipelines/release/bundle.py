"""`anonimage release`: a bundle that may leave the house, or a refusal that says why not."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch

from ...errors import InputError
from ...files import new_file, new_folder, refuse_file, scratch_folder
from ...gan import Snapshot, load
from ...transforms import Codec
from ..codecs import load_codec
from ..evaluation.privacy.findings import Audit
from ..evaluation.score import Scores, load_scores
from ..fingerprint import fingerprint, sha256
from ..progress import progress, say
from ..run_folder import RunFolder, chosen_checkpoint
from .datasheet import write_datasheet
from .gate import Area, judge, passes
from .leaks import find_leaks
from .policy import Policy
from .private import Private

REFUSAL, SUMS = "refusal.md", "SHA256SUMS"


def release(out: Path, to: Path, policy: Policy, with_generator: bool = False) -> bool:
    """Write the bundle if every gate passes and nothing of the source is in it; else only why not.

    The bundle is put together and searched inside OUT, which is private anyhow: TO never holds anything unsearched,
    not even when this process is killed.

    Arguments:
        out: folder of a run that was evaluated and audited.
        to: folder to make; may hold an earlier refusal.
        policy: limits to keep.
        with_generator: put the generator's weights in, too.

    Returns:
        Whether it was released.

    Raises:
        InputError: the run was not evaluated or audited, or something else since then; it was trained on, and the
            generator shall go out; TO is in use, or lies in OUT or in the source.
    """
    folder = RunFolder.prepared(out)
    _check_place(to, folder)
    audit, scores, codec = Audit.load(folder.audit), load_scores(folder.scores), load_codec(folder.codec_file)
    _check_fingerprints(folder, audit, scores)
    snapshot = _generator(folder) if with_generator else None
    areas = judge(audit, scores.scores, policy, scores.not_measured, with_generator=with_generator)
    reasons = [] if passes(areas, policy) else _reasons(areas, policy)
    if with_generator and not policy.privacy.allow_generator:
        reasons.append(f"generator: policy {policy.name} does not let its weights out; release without them")
    if reasons:
        return _refuse(to, policy, areas, reasons)
    with scratch_folder(out) as scratch, progress("release", 3) as advance:
        private = Private.of_run(folder, codec)
        advance(1, "source read")
        for warning in private.warnings:
            say(f"warning: {warning}")
        _fill(scratch, folder, codec, audit, scores, areas, policy, private, snapshot)
        advance(2, "written")
        found = find_leaks(scratch, private, codec)
        if found:
            return _refuse(to, policy, areas, [str(finding) for finding in found])
        with new_folder(to) as partial:
            shutil.copytree(scratch, partial, dirs_exist_ok=True)
        advance(3, "searched")
    say(f"released: {to} under policy {policy.name}")
    return True


def _check_place(to: Path, folder: RunFolder) -> None:
    place = to.resolve()
    source = Path(folder.about()["source"])
    for private, what in ((folder.path.resolve(), "the run's folder"), (source, "the source")):
        if place == private or private in place.parents:
            raise InputError(f"{to}: lies in {what} {private}, which is private; choose a folder outside of it")
    if place in folder.path.resolve().parents or place in source.parents:
        raise InputError(f"{to}: holds the run or its source; choose an empty or new folder")
    refuse_file(to)
    others = [path for path in to.iterdir() if path.name != REFUSAL] if to.is_dir() else []
    if others:
        raise InputError(f"{to}: holds files already ({others[0].name}); choose an empty or new folder")


def _check_fingerprints(folder: RunFolder, audit: Audit, scores: Scores) -> None:
    """Refuse scores or an audit of other files than those that are there now."""
    there = fingerprint(folder.synthetic)
    for path, claimed, again in (
        (folder.scores, scores.fingerprint, "evaluate"),
        (folder.audit, audit.fingerprint, "audit"),
    ):
        if claimed != there:
            what = f"is of other samples than {folder.synthetic} holds now"
            raise InputError(f"{path}: {what}; run `anonimage {again} {folder.path}` again")


def _reasons(areas: Sequence[Area], policy: Policy) -> list[str]:
    blocking = [area for area in areas if not passes([area], policy)]
    return [f"{area.name}: {reason}" for area in blocking for reason in area.reasons or (area.verdict,)]


def _refuse(to: Path, policy: Policy, areas: Sequence[Area], reasons: Sequence[str]) -> bool:
    verdicts = ", ".join(f"{area.name}: {area.verdict}" for area in areas)
    lines = ["# Not released", "", f"Policy {policy.name}. {verdicts}.", "", *(f"- {reason}" for reason in reasons), ""]
    with new_folder(to) as partial:
        (partial / REFUSAL).write_text("\n".join(lines), encoding="utf-8")
    for reason in reasons:
        say(f"not released: {reason}")
    return False


def _fill(
    to: Path,
    folder: RunFolder,
    codec: Codec,
    audit: Audit,
    scores: Scores,
    areas: Sequence[Area],
    policy: Policy,
    private: Private,
    snapshot: Snapshot | None,
) -> None:
    """Everything of a bundle, into an empty folder; only what is read and written anew, but for the samples."""
    shutil.copytree(folder.synthetic, to / folder.synthetic.name, symlinks=True)
    if fingerprint(to / folder.synthetic.name) != audit.fingerprint:
        raise InputError(f"{folder.synthetic}: changed while it was copied; release again when nothing writes there")
    (to / "codec.json").write_text(codec.to_json(), encoding="utf-8")
    (to / "policy.toml").write_text(policy.to_toml(), encoding="utf-8")
    audit.save(to / "audit.json")
    recipe, versions = folder.recipe, folder.about()["versions"]
    sheet = write_datasheet(
        recipe, codec, scores, audit, areas, policy, versions, private, with_generator=snapshot is not None
    )
    (to / "datasheet.md").write_text(sheet, encoding="utf-8")
    if snapshot is not None:
        _write_generator(snapshot, to / "generator")
    names = sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file())
    with new_file(to / SUMS) as file:
        file.writelines(f"{sha256(to / name)}  {name}\n" for name in names)


def _generator(folder: RunFolder) -> Snapshot:
    """The network that made the samples; refused is one that learned on, which nobody evaluated or audited."""
    snapshot = load(chosen_checkpoint(folder))
    if snapshot.step != folder.generated_step():
        remedy = "generate, evaluate and audit again, or release without --with-generator"
        raise InputError(f"{folder.path}: trained on since it generated {folder.synthetic}; {remedy}")
    return snapshot


def _write_generator(snapshot: Snapshot, to: Path) -> None:
    """The averaged weights of the generator alone, and what network they are of."""
    to.mkdir()
    weights = {name: tensor.contiguous() for name, tensor in snapshot.averaged_generator().state_dict().items()}
    (to / "weights.safetensors").write_bytes(safetensors.torch.save(weights))
    state = json.dumps(snapshot.networks.to_state(), indent=1)
    (to / "architecture.json").write_text(state + "\n", encoding="utf-8")
