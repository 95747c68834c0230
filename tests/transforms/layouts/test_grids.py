"""Grids for rows of tables: the paper's figure and others written out by hand, and bad requests."""

import numpy as np
import pytest
from anonimage.errors import InputError
from anonimage.transforms import TABLE_GRIDS, Codec, GreyLevels, table_grid
from hypothesis import given, settings
from hypothesis import strategies as st

N = -1  # NULL
THYROID = ["continuous"] + ["binary"] * 15 + ["continuous"] * 5
BY_HAND = [
    ("rows", ["binary"] * 3, None, [[0, 1], [2, N]]),
    ("rows", ["binary"] * 3, 3, [[0, 1, 2], [N, N, N], [N, N, N]]),
    ("kinds", ["binary", "integer", "binary", "continuous"], None, [[1, 3], [0, 2]]),
    ("kinds", ["integer"] * 3, 4, [[0, N, N, N], [1, N, N, N], [2, N, N, N], [N, N, N, N]]),
    ("blocks", ["binary"] * 2, 4, [[0, 0, 1, 1], [0, 0, 1, 1], [N, N, N, N], [N, N, N, N]]),
    ("blocks", ["binary"] * 4, 5, [[0, 0, 1, 1, N], [0, 0, 1, 1, N], [2, 2, 3, 3, N], [2, 2, 3, 3, N], [N] * 5]),
    ("blocks", ["binary"] * 5, 4, [[0, 1, 2, 3], [4, N, N, N], [N] * 4, [N] * 4]),
    ("blocks", ["integer"], 2, [[0, 0], [0, 0]]),
]


@pytest.mark.parametrize(("name", "kinds", "side", "board"), BY_HAND)
def test_boards_by_hand(name, kinds, side, board):
    assert table_grid(name, kinds, side).index[0].tolist() == board


def test_the_papers_figure():
    """Fig. 3: 6 continuous and 15 binary features on side 7: the left 3 columns, 2 rows of numbers above 5."""
    board = table_grid("kinds", THYROID, 7).index[0]
    assert (board[:, 3:] == N).all()
    assert board[:2, :3].ravel().tolist() == [0, 16, 17, 18, 19, 20]
    assert board[2:, :3].ravel().tolist() == list(range(1, 16))


def test_the_smallest_side_depends_on_the_grid():
    """One number above three binaries: 2 × 2 places are enough, but not with a row for each kind."""
    kinds = ["binary"] * 3 + ["integer"]
    assert table_grid("rows", kinds).image_shape == (1, 2, 2)
    assert table_grid("kinds", kinds).index[0].tolist() == [[3, N, N], [0, 1, N], [2, N, N]]


def test_random_is_seeded_and_takes_places_of_the_whole_board():
    boards = [table_grid("random", THYROID, 7, seed).index[0] for seed in range(40)]
    assert np.array_equal(boards[3], table_grid("random", THYROID, 7, 3).index[0])
    assert len({board.tobytes() for board in boards}) == 40
    assert (np.stack(boards) != N).any(axis=0).all()


@given(
    st.sampled_from(sorted(TABLE_GRIDS)),
    st.lists(st.sampled_from(["continuous", "integer", "binary"]), min_size=1, max_size=60),
    st.integers(0, 12),
)
@settings(max_examples=200, deadline=None)
def test_the_smallest_side_is_the_smallest_and_larger_ones_do(name, kinds, more):
    smallest = table_grid(name, kinds).image_shape[1]
    assert table_grid(name, kinds, smallest + more).image_shape == (1, smallest + more, smallest + more)
    if smallest > 1:
        with pytest.raises(InputError, match=f"take a side of at least {smallest}, or fewer columns"):
            table_grid(name, kinds, smallest - 1)


def test_generated_blocks_are_averaged():
    table = table_grid("blocks", ["continuous"] * 4, 4)
    image = np.array([[[[10, 20, 0, 0], [30, 40, 0, 0], [7, 7, 9, 9], [7, 7, 9, 11]]]], np.uint8)
    assert table.inverse_transform(image)[0, :, 0].tolist() == [25, 0, 7, 9.5]


@pytest.mark.parametrize("name", TABLE_GRIDS)
def test_a_codec_keeps_it(name):
    table = table_grid(name, THYROID, 12, seed=5)
    codec = Codec(GreyLevels(), table, [f"column{k}" for k in range(21)], "", None)
    again = Codec.from_json(codec.to_json()).arrangement
    assert (again.digest, again.name) == (table.digest, name)


REFUSED = {
    "name": (lambda: table_grid("row", ["binary"]), "unknown table grid 'row'; did you mean 'rows'?"),
    "kind": (lambda: table_grid("rows", ["binary", "binray"]), "feature 1 is of unknown kind 'binray'; .* 'binary'?"),
    "no feature": (lambda: table_grid("rows", []), "a table without features"),
    "side": (lambda: table_grid("rows", ["binary"], 0), "from 1, not 0"),
    "too many": (
        lambda: table_grid("blocks", ["binary"] * 50, 7),
        "50 features do not fit into the 49 cells of side 7 .* take a side of at least 8, or fewer columns",
    ),
}


@pytest.mark.parametrize(("attempt", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_with_one_line(attempt, message):
    with pytest.raises(InputError, match=message) as refusal:
        attempt()
    assert "\n" not in str(refusal.value)
