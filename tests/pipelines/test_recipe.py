"""Recipes: what ships is valid, what is saved reads back the same, what is wrong is said in one line."""

import runpy
from pathlib import Path

import pytest
from anonimage.errors import InputError
from anonimage.pipelines.recipe import SECTIONS, SETTINGS, load_recipe, recipe_names
from pydantic import ValidationError
from tiny import anonimage, refused

PAPER = {  # recipe: (section, arrangement, leads, batch), from the issue and the paper's sections
    "ptb-z": ("3.3", "z", 1, 30),
    "ptb-quantile": ("4.1", "z", 1, 30),
    "ptb-transposed": ("4.2", "transposed", 1, 30),
    "ptb-reversed": ("4.2", "reversed", 1, 30),
    "ptb-rgb": ("4.3", "rgb", 3, 60),
    "ptb-six": ("4.4", "six", 6, 60),
}


@pytest.mark.parametrize("name", PAPER)
def test_recipes_say_what_the_paper_says(name):
    recipe = load_recipe(name)
    assert (recipe.section, recipe.images.arrangement, len(recipe.data.leads), recipe.train.batch) == PAPER[name]
    assert (recipe.window, recipe.train.epochs, recipe.gan.latent_dim, recipe.gan.widths) == (
        2025,
        200,
        100,
        (64, 128, 256),
    )
    assert recipe.data.stride is None  # no overlap


@pytest.mark.parametrize("name", recipe_names())
def test_saved_recipe_reads_back_the_same(name, tmp_path):
    recipe = load_recipe(name).changed({"stride": "500", "width": "fitted", "steps": 7})
    recipe.save(tmp_path / "saved.toml")
    assert load_recipe(str(tmp_path / "saved.toml")) == recipe
    assert (recipe.data.stride, recipe.images.width, recipe.train.steps) == (500, "fitted", 7)


def test_a_recipe_does_not_change():
    with pytest.raises(ValidationError):
        load_recipe("demo").train.batch = 3


AT_LEAST_1 = ("metrics_every", "checkpoint_every", "score_every", "patience", "devices", "nodes")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strid": "5"}, ["strid", "did you mean 'stride'"]),
        ({"stride": "often"}, ["stride", "'often'", "integer"]),
        ({"real_label": "2"}, ["real_label", "less than or equal to 1"]),
        ({"starts": "somewhere"}, ["starts", "'grid' or 'random'"]),
        ({"device": "gpu"}, ["device", "'auto', 'cpu' or 'cuda'"]),
        ({"precision": "16"}, ["precision", "'auto', '32' or 'bf16'"]),
        ({"on_trouble": "rolback"}, ["on_trouble", "'go_on', 'stop' or 'rollback'"]),
        ({"ema_decay": "1"}, ["ema_decay", "less than 1"]),
        *(({name: "0"}, [name, "greater than or equal to 1"]) for name in AT_LEAST_1),
        ({"leads": "i,I"}, ["named twice"]),
        ({"quantile_low": "0.995"}, ["quantile_low 0.995", "quantile_high 0.99"]),
    ],
)
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(InputError) as caught:
        load_recipe("ptb-quantile").changed(settings)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("batch = ", ["not valid TOML"]),
        ('[train]\nbatch = "many"', ["batch = 'many'", "integer"]),
        ("[data]\nleads = 3", ["leads = 3"]),
        ("[train]\nbatchh = 3", ["batchh", "did you mean 'batch'"]),
        ("[step1]\nx = 1", ["step1"]),
        ("batch = 30", ["'batch'", "at the top", "[train]"]),  # as recipes were before they had sections
        ("[data]\nbatch = 30", ["'batch'", "in [data]", "[train]"]),
        ("[train]\nseed = 3", ["'seed'", "in [train]", "at the top"]),
        ('data = "images"', ["'data' is a section", "kind"]),
        ("train = 3", ["'train' is a section", "batch"]),
    ],
)
def test_wrong_recipe_files_are_named(text, words, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_recipe(str(path))
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


def test_unknown_recipe_offers_the_nearest():
    with pytest.raises(InputError, match="did you mean 'ptb-quantile'"):
        load_recipe("ptb-quantil")


def test_absent_recipe_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such recipe file"):
        load_recipe(str(tmp_path / "absent.toml"))


def test_a_recipe_file_that_is_no_text(tmp_path):
    path = tmp_path / "image.toml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a text file"):
        load_recipe(str(path))


# --- what a window is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "length", "side"),
    [
        ({"length": "5000"}, 5000, "auto"),  # ten seconds at 500 Hz: the side follows
        ({"side": "9"}, 81, 9),
        ({"side": "auto", "length": "100"}, 100, "auto"),
        ({"side": "71", "length": "5000"}, 5000, 71),  # both, and they fit
        ({"side": "72", "length": "5000"}, 5000, 72),  # a larger image than need be
        ({"length": "none"}, 2025, 45),
    ],
)
def test_length_or_side_alone_decides(settings, length, side):
    recipe = load_recipe("ptb-quantile").changed(settings)
    assert (recipe.window, recipe.images.side) == (length, side)


def test_a_side_follows_a_length_that_the_recipe_had():
    longer = load_recipe("ptb-quantile").changed({"length": 5000})
    assert longer.changed({"side": 45}).window == 2025


def test_a_side_that_does_not_hold_the_length_is_refused():
    with pytest.raises(InputError, match="5000 samples make an image of side 71 at least, not 70"):
        load_recipe("ptb-quantile").changed({"side": 70, "length": 5000})


def test_all_changes_of_a_command_are_checked_together(tmp_path):
    (tmp_path / "RECORDS").write_text("")
    long = ("--set", "length=5000", "--side")
    refused(anonimage("inspect", tmp_path, *long, 71), "no records")  # not "5000 samples make an image of side 71"
    refused(anonimage("inspect", tmp_path, *long, 70), "--set --side: ", "side 71", "not 70")
    refused(anonimage("inspect", tmp_path, *long, "large"), "--side: side = 'large'")


# --- the model, and what is made of it --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recipe_names())
def test_a_printed_recipe_has_every_setting_and_is_a_recipe(name, tmp_path):
    text = anonimage("recipes", name).output
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    assert load_recipe(str(path)) == load_recipe(name)
    lines = {line.removeprefix("# ").partition(" =")[0]: line for line in text.splitlines()}
    for one in SETTINGS.values():
        assert lines[one.name].endswith(f"  # {one.description}")
        assert lines[one.name].startswith("#") == (load_recipe(name).settings()[one.name] is None)


def test_every_setting_has_a_line_of_description_and_a_name_of_its_own():
    assert all(one.description and "\n" not in one.description for one in SETTINGS.values())
    assert not set(SECTIONS) & SETTINGS.keys()
    assert len(SETTINGS) == sum(len(type(getattr(load_recipe("demo"), one)).model_fields) for one in SECTIONS) + 5


def test_settings_know_commands_that_exist():
    asked = {command for one in SETTINGS.values() for command in one.commands}
    for command in asked:
        printed = anonimage(command, "--help").output
        assert all(one.option in printed for one in SETTINGS.values() if command in one.commands)


def test_the_page_of_settings_is_up_to_date():
    script = Path(__file__).parents[2] / "docs" / "make_settings.py"
    written = runpy.run_path(str(script))["page"]()
    assert script.with_name("settings.md").read_text("utf-8") == written, f"run python {script}"
