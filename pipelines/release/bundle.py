"""`anonimage release`: a bundle that may leave the house, or a refusal that says why not."""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import safetensors.torch
import tomli_w

from ... import __version__
from ...errors import InputError
from ...files import new_file, new_folder, refuse_file, scratch_folder
from ...gan.training.checkpoint import Snapshot, load
from ...transforms import Codec
from ..classes import Classes
from ..evaluation.privacy.findings import Audit
from ..evaluation.scores import Scores, load_scores
from ..kinds import kind_of_codec, load_codec
from ..progress import progress, say
from ..run_folder import RunFolder, chosen_checkpoint, fingerprint, sha256
from .gate import Area, judge, passes
from .leaks import find_leaks
from .policy import Policy, load_policy
from .source_index import SourceIndex

REFUSAL, SUMS = "refusal.md", "SHA256SUMS"
# Settings that name files or people of the source, or a user's own file
_OWN = {"name", "patient", "label", "drop", "keep", "missing", "description", "against", "verifier", "store"}
_COUNTS = ("synthetic", "training", "control", "training_patients", "control_patients")


@dataclass(frozen=True)
class Release:
    """What goes into a bundle."""

    folder: RunFolder  # of the run
    codec: Codec  # of the run
    # scores, audit: what was measured of its synthetic samples
    scores: Scores
    audit: Audit
    policy: Policy  # the one that is asked
    areas: Sequence[Area]  # what it says to that
    snapshot: Snapshot | None  # the networks whose generator goes out, too; None: none does

    @classmethod
    def of_run(cls, folder: RunFolder, policy: Policy, *, with_generator: bool) -> "Release":
        """A run, judged.

        Raises:
            InputError: not evaluated or audited, or something else since then; trained on, and the generator goes out.
        """
        audit, scores = Audit.load(folder.audit), load_scores(folder.scores)
        today = fingerprint(folder.synthetic)
        for path, claimed, again in (
            (folder.scores, scores.fingerprint, "evaluate"),
            (folder.audit, audit.fingerprint, "audit"),
        ):
            if claimed != today:
                what = f"is of other samples than {folder.synthetic} holds now"
                raise InputError(f"{path}: {what}; run `anonimage {again} {folder.path}` again")
        areas = judge(audit, scores.scores, policy, scores.not_measured, with_generator=with_generator)
        snapshot = load(chosen_checkpoint(folder)) if with_generator else None
        if snapshot is not None and snapshot.step != folder.generated_step():  # nobody evaluated or audited such a one
            remedy = "generate, evaluate and audit again, or release without --with-generator"
            raise InputError(f"{folder.path}: trained on since it generated {folder.synthetic}; {remedy}")
        return cls(folder, load_codec(folder.codec_file), scores, audit, policy, areas, snapshot)

    @property
    def refusals(self) -> list[str]:
        """Why it may not go out; none: it may."""
        blocking = [area for area in self.areas if not passes([area], self.policy)]
        reasons = [f"{area.name}: {reason}" for area in blocking for reason in area.reasons or (area.verdict,)]
        if self.snapshot is not None and not self.policy.privacy.allow_generator:
            reasons.append(f"generator: policy {self.policy.name} does not allow its weights; release without them")
        return reasons


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
        InputError: see `Release.of_run`; TO is in use, or lies in OUT or in the source.
    """
    folder = RunFolder.prepared(out)
    _check_destination(to, folder)
    judged = Release.of_run(folder, policy, with_generator=with_generator)
    if judged.refusals:
        return _refuse(to, judged, judged.refusals)
    with scratch_folder(out) as scratch, progress("release", 3) as advance:
        index = SourceIndex.of_run(folder, judged.codec)
        advance(1, "source read")
        for warning in index.warnings:
            say(f"warning: {warning}")
        _fill(scratch, judged, index)
        advance(2, "written")
        findings = find_leaks(scratch, index, judged.codec)
        if findings:
            return _refuse(to, judged, [str(finding) for finding in findings])
        with new_folder(to) as partial:
            shutil.copytree(scratch, partial, dirs_exist_ok=True)
        advance(3, "searched")
    say(f"released: {to} under policy {policy.name}")
    return True


def _datasheet(release: Release, index: SourceIndex) -> str:
    """The Markdown that says what a bundle is made from, how it was tested, what it was searched for, and what not."""
    codec, audit, scores, folder = release.codec, release.audit, release.scores, release.folder
    with_generator = release.snapshot is not None
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.filters["short"] = lambda value: "–" if value is None or math.isnan(value) else f"{value:.4g}"
    text = resources.files(__package__).joinpath("datasheet.md").read_text("utf-8")
    classes = Classes.from_form(codec.form)
    return environment.from_string(text).render(
        version=__version__,
        what=kind_of_codec(codec).nouns,
        counts={name: audit.counts.get(name, "?") for name in _COUNTS},
        content=kind_of_codec(codec).content(codec),
        classes=list(zip(classes.names, classes.counts, strict=True)),
        release=release,
        by_default=judge(
            audit, scores.scores, load_policy("default"), scores.not_measured, with_generator=with_generator
        ),
        untested=[*audit.not_measured.items(), *audit.not_applicable.items(), *scores.not_measured.items()],
        recipe=tomli_w.dumps(_public(folder.recipe.model_dump(mode="json", exclude_none=True))),
        versions=folder.about()["versions"],
        index=index,
        with_generator=with_generator,
    )


def _check_destination(to: Path, folder: RunFolder) -> None:
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


def _refuse(to: Path, release: Release, reasons: Sequence[str]) -> bool:
    verdicts = ", ".join(f"{area.name}: {area.verdict}" for area in release.areas)
    head = ["# Not released", "", f"Policy {release.policy.name}. {verdicts}."]
    with new_folder(to) as partial:
        text = "\n".join([*head, "", *(f"- {reason}" for reason in reasons), ""])
        (partial / REFUSAL).write_text(text, encoding="utf-8")
    for reason in reasons:
        say(f"not released: {reason}")
    return False


def _fill(to: Path, release: Release, index: SourceIndex) -> None:
    """Everything of a bundle, into an empty folder; only what is read and written anew, but for the samples."""
    synthetic = release.folder.synthetic
    shutil.copytree(synthetic, to / synthetic.name, symlinks=True)
    if fingerprint(to / synthetic.name) != release.audit.fingerprint:
        raise InputError(f"{synthetic}: changed while it was copied; release again when nothing writes to it")
    (to / "codec.json").write_text(release.codec.to_json(), encoding="utf-8")
    (to / "policy.toml").write_text(release.policy.to_toml(), encoding="utf-8")
    release.audit.save(to / "audit.json")
    (to / "datasheet.md").write_text(_datasheet(release, index), encoding="utf-8")
    if release.snapshot is not None:
        generator, network = release.snapshot.averaged_generator(), release.snapshot.architecture.to_state()
        (to / "generator").mkdir()
        weights = {name: tensor.contiguous() for name, tensor in generator.state_dict().items()}
        (to / "generator" / "weights.safetensors").write_bytes(safetensors.torch.save(weights))
        (to / "generator" / "architecture.json").write_text(json.dumps(network, indent=1) + "\n", encoding="utf-8")
    names = sorted(path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file())
    with new_file(to / SUMS) as file:
        file.writelines(f"{sha256(to / name)}  {name}\n" for name in names)


def _public(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that are the user's own."""
    kept = {name: value for name, value in settings.items() if name not in _OWN}
    return {name: _public(value) if isinstance(value, dict) else value for name, value in kept.items()}
