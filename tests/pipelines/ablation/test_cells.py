"""What is varied: every combination once, and what cannot be varied is refused before anything runs."""

import pytest
from anonimage.errors import InputError
from anonimage.pipelines.ablation.cells import grid
from anonimage.pipelines.recipe import load_recipe
from tiny import TINY

RECIPE = load_recipe("ptb-quantile").changed(TINY)


def test_every_combination_once_the_first_values_first():
    cells = grid(RECIPE, ["arrangement=z,reversed", "standardizer=minmax,quantile"])
    assert [cell.name for cell in cells] == [
        "arrangement=z, standardizer=minmax",
        "arrangement=z, standardizer=quantile",
        "arrangement=reversed, standardizer=minmax",
        "arrangement=reversed, standardizer=quantile",
    ]
    assert [(cell.recipe.images.arrangement, cell.recipe.images.standardizer) for cell in cells[1:3]] == [
        ("z", "quantile"),
        ("reversed", "minmax"),
    ]


def test_all_else_is_as_in_the_recipe_and_seeds_are_the_same_in_each_cell():
    cells = grid(RECIPE.changed({"seed": 4, "against": "ptb-z"}), ["arrangement=z,reversed"])
    for cell in cells:
        mine = cell.with_seed(2)
        assert mine.seed == 6
        assert mine.changed({"arrangement": "z", "seed": 0}) == RECIPE.changed({"arrangement": "z", "against": None})


def test_items_of_a_list_are_joined_by_plus():
    cells = grid(RECIPE, ["leads=i+ii,iii", "widths=4+8,8"])
    assert [cell.recipe.data.leads for cell in cells[::2]] == [("i", "ii"), ("iii",)]
    assert [cell.recipe.gan.widths for cell in cells[:2]] == [(4, 8), (8,)]


def test_folders_have_names_that_any_disk_takes_and_differ():
    cells = grid(RECIPE, [r"patient=auto,record,(p\d)/.*,(p.d)/.*", "label=none,a b"])
    slugs = [cell.slug for cell in cells]
    assert len(set(slugs)) == len(cells)
    assert not any(set(slug) & set(' /\\*()"') for slug in slugs)
    assert slugs[0] == "patient-auto_label-none"


def test_folders_differ_where_only_the_case_or_a_sign_does():
    one, two = (cell.slug for cell in grid(RECIPE, ["label=a b,a/b"]))
    assert one != two


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        (["arangement=z,reversed"], ["--vary arangement=z,reversed", "did you mean 'arrangement'"]),
        (["arrangement=z,reversd"], ["--vary arrangement=reversd", "did you mean 'reversed'"]),
        (["batch=8,many"], ["--vary batch=8,many", "batch", "'many'"]),
        (["batch=8,0"], ["--vary batch=8,0", "greater than or equal to 2"]),
        (["standardizer=minmax,quantil"], ["--vary standardizer=minmax,quantil", "'quantil'"]),
        (["seed=1,2"], ["--vary seed=1,2", "--seeds"]),
        (["store=a,b"], ["--vary store=a,b", "changes nothing"]),
        (["devices=1,2"], ["--vary devices=1,2", "--jobs"]),
        (["arrangement=z"], ["--vary arrangement=z", "nothing to compare", "--set"]),
        (["arrangement=z,,reversed"], ["--vary arrangement=z,,reversed", "missing"]),
        (["arrangement="], ["--vary arrangement="]),
        (["arrangement"], ["--vary arrangement", "key=value"]),
        (["arrangement=z,z"], ["--vary arrangement=z,z", "the same as z"]),
        (["leads=i+ii,i + ii"], ["the same as i+ii"]),
        (["batch=8,16", "batch=32,64"], ["--vary batch=32,64", "varied already"]),
        (["arrangement=z,rgb"], ["--vary arrangement=rgb", "3 channels"]),
        (["arrangement=z,gramian"], ["--vary arrangement=gramian", "no inverse"]),
        (["arrangement=z,beats"], ["--vary arrangement=beats", "null_level"]),
        (["colours=none,hsv"], ["--vary colours=hsv", "three leads"]),
        (["quantile_low=0.01,0.995"], ["--vary quantile_low=0.01,0.995", "not below"]),
        ([], ["--vary key=value"]),
    ],
)
def test_what_cannot_be_varied_is_refused_in_one_line(vary, words):
    with pytest.raises(InputError) as refusal:
        grid(RECIPE, vary)
    for word in words:
        assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_values_that_fit_alone_and_not_together_are_refused():
    with pytest.raises(InputError, match=r"--vary starts=random balance=undersample: .*weighted"):
        grid(RECIPE, ["starts=grid,random", "balance=none,undersample"])


@pytest.mark.parametrize("settings", [{"store": "s3://bucket/store"}, {"devices": 2}, {"nodes": 2}])
def test_what_an_ablation_decides_itself_is_refused_in_the_recipe(settings):
    with pytest.raises(InputError, match=f"{next(iter(settings))} = .*not in an ablation"):
        grid(RECIPE.changed(settings), ["arrangement=z,reversed"])


def test_grids_of_tables_have_names_of_their_own():
    table = load_recipe("table")
    assert [cell.recipe.images.arrangement for cell in grid(table, ["arrangement=rows,kinds"])] == ["rows", "kinds"]
    with pytest.raises(InputError, match="unknown table grid 'z'"):
        grid(table, ["arrangement=rows,z"])


def test_pictures_may_have_one_colour_or_three():
    pictures = load_recipe("iris")
    assert len(grid(pictures, ["arrangement=z,rgb"])) == 2
    with pytest.raises(InputError, match="unknown arrangement 'zz'"):
        grid(pictures, ["arrangement=z,zz"])
