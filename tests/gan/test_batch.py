import torch
from anonimage.gan.batch import to_levels, to_unit


def test_every_grey_level_returns_exactly():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_levels(to_unit(levels)), levels)


def test_black_white_and_the_step_between_levels():
    unit = to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8))
    assert torch.allclose(unit, torch.tensor([-1.0, -0.6, 1.0]))


def test_the_nearest_level_is_taken_and_values_outside_end_at_black_and_white():
    step = 2 / 255
    unit = torch.tensor([-1 + 0.4 * step, -1 + 0.6 * step, -1.7, 1.2])
    assert to_levels(unit).tolist() == [0, 1, 0, 255]


def test_the_argument_is_left_as_it_was():
    unit = torch.tensor([0.25])
    to_levels(unit)
    assert unit.item() == 0.25
