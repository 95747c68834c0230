"""A policy says what it allows, and a mistake in one is refused before anything is released."""

import pytest
from anonimage.errors import InputError
from anonimage.pipelines.release.policy import LIMITS, Policy, Privacy, load_policy, policy_names

FIDELITY = '[fidelity]\n"1nnc" = {at_most = 0.9}\n'


def policy_of(tmp_path, text: str) -> Policy:
    path = tmp_path / "own.toml"
    path.write_text(text)
    return load_policy(str(path))


@pytest.mark.parametrize("name", ["default", "strict"])
def test_the_programs_policies_go_to_toml_and_back(name, tmp_path):
    policy = load_policy(name)
    assert policy.name == name
    assert policy_of(tmp_path, policy.to_toml()) == policy
    for model in (Policy, Privacy):
        assert all(given.description for given in model.model_fields.values())


def test_the_default_stands_in_its_file_as_in_the_model():
    assert load_policy("default").privacy == Privacy()
    assert policy_names() == ["default", "strict"]


def test_strict_is_nowhere_weaker_than_default():
    loose, strict = load_policy("default"), load_policy("strict")
    assert all(getattr(strict.privacy, name) < getattr(loose.privacy, name) for name in LIMITS)
    for name in ("min_training_patients", "min_control_patients"):
        assert getattr(strict.privacy, name) > getattr(loose.privacy, name)
    assert set(loose.privacy.required) <= set(strict.privacy.required)
    assert strict.fidelity["1nnc"].at_most < loose.fidelity["1nnc"].at_most
    for name in ("coverage", "recall"):
        assert strict.fidelity[name].at_least > loose.fidelity[name].at_least
    assert strict.fidelity["r: undetectable"].at_most < loose.fidelity["r: undetectable"].at_most
    assert strict.require_utility
    assert strict.allow_not_measured == ("r: undetectable",)  # a table has none
    assert all(loose.tolerates(name) for name in ("coverage", "recall", "r: undetectable"))


def test_what_is_not_said_is_as_in_the_default(tmp_path):
    policy = policy_of(tmp_path, FIDELITY + "[privacy]\ncopy_share = 0.01\n")
    assert (policy.name, policy.privacy.copy_share, policy.privacy.membership_auc) == ("own", 0.01, 0.6)
    assert (policy.fidelity["1nnc"].at_most, policy.utility) == (0.9, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("copy_shre = 1", ["'copy_shre' is no setting"]),
        ("requre_utility = true", ["did you mean 'require_utility'"]),
        (FIDELITY + "[privacy]\ncopy_shar = 0.1", ["'privacy.copy_shar'", "did you mean 'copy_share'"]),
        ('[fidelity]\n"1nnc" = {atmost = 0.9}', ["atmost", "did you mean 'at_most'"]),
        (FIDELITY + "[privacy]\ncopy_share = 1.5", ["copy_share = 1.5", "less than 1"]),
        (FIDELITY + "[privacy]\ncopy_share = -0.1", ["copy_share = -0.1"]),
        (FIDELITY + "[privacy]\nmembership_auc = 0.4", ["membership_auc = 0.4", "greater than 0.5"]),
        (FIDELITY + "[privacy]\nmembership_auc = nan", ["membership_auc = nan"]),
        (FIDELITY + "[privacy]\nmin_control_patients = 1", ["min_control_patients = 1"]),
        (FIDELITY + '[privacy]\nrequired = ["copies"]', ["'copies' is no limit", "copy_share"]),
        ('[fidelity]\n"1nnc" = {at_most = 1.0}', ["'1nnc' lies between 0 and 1", "at_most = 1"]),
        ('[fidelity]\n"r: undetectable" = {at_most = 1.0}', ["'r: undetectable' lies between 0 and 1"]),
        ("[fidelity]\ncoverage = {at_least = 0.0}", ["'coverage'", "at_least = 0"]),
        ("[fidelity]\ncoverage = {at_least = 1.2}", ["'coverage'", "at_least = 1.2"]),
        ('[fidelity]\n"1nnc" = {at_most = 0.9, at_least = 0.1}', ["either at_most or at_least"]),
        ('[fidelity]\n"1nnc" = {}', ["either at_most or at_least"]),
        ('[fidelity]\n"1nnc" = 0.9', ["1nnc"]),
        ("[privacy]\ncopy_share = 0.1", ["fidelity: sets no limit"]),
        (FIDELITY + '[utility]\na = {at_least = 0.0, of = "b"}', ["is no share"]),
        (FIDELITY + '[utility]\na = {at_least = 0.5, of = "a"}', ["share of itself"]),
        ("require_utility = true\n" + FIDELITY, ["require_utility needs a limit"]),
        ("[fidelity]\ncoverrage = {at_least = 0.1}", ["'coverrage' is no score", "did you mean 'coverage'"]),
        (FIDELITY + '[utility]\n"tstr: macro PRAUC" = {at_least = 0.1}', ["did you mean 'tstr: macro PR-AUC'"]),
        (FIDELITY + '[utility]\n"tstr: macro PR-AUC" = {at_least = 0.5, of = "trts: PR"}', ["'trts: PR' is no score"]),
        ('allow_not_measured = ["coverrage"]\n' + FIDELITY, ["'coverrage' is no score and no attack", "'coverage'"]),
        ('allow_not_measured = ["memberships*"]\n' + FIDELITY, ["'memberships*' is no score and no attack"]),
        ("[fidelity", ["not valid TOML"]),
    ],
)
def test_an_impossible_policy_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(InputError) as refusal:
        policy_of(tmp_path, text)
    line = str(refusal.value)
    assert "\n" not in line
    assert line.startswith(f"--policy {tmp_path / 'own.toml'}: ")
    for word in words:
        assert word in line


def test_a_difference_may_be_negative(tmp_path):
    policy = policy_of(tmp_path, FIDELITY + '[utility]\n"tstr − trtr: macro PR-AUC" = {at_least = -0.1}')
    assert policy.utility["tstr − trtr: macro PR-AUC"].at_least == -0.1


def test_a_policy_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"--policy strikt: no such policy; did you mean 'strict'"):
        load_policy("strikt")
    with pytest.raises(InputError, match=r"--policy .*gone\.toml: cannot be read"):
        load_policy(str(tmp_path / "gone.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        load_policy(str(tmp_path / "bytes.toml"))
