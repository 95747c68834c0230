"""Leads are found whatever their case, and the limb leads obey Einthoven's and Goldberger's laws."""

from itertools import permutations

import numpy as np
import pytest
from anonimage.data.wfdb.signals import limb_relations, match_leads
from anonimage.errors import InputError

PTB = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")


def test_leads_come_in_the_order_asked_for_whatever_their_case():
    assert match_leads(["V1", "aVR", "II"], PTB, "rec") == [6, 3, 1]
    assert match_leads([], PTB, "rec") == list(range(12))


def test_a_missing_lead_names_record_lead_and_those_it_has():
    with pytest.raises(InputError) as fault:
        match_leads(["vx"], PTB, "patient104/s0306lre")
    assert str(fault.value) == (
        "patient104/s0306lre: lead 'vx' is not in this record (has i, ii, iii, avr, avl, avf, v1, v2, v3, v4, v5, v6); "
        "leave it out with --leads or use another record"
    )


def test_a_lead_twice_is_refused_on_either_side():
    with pytest.raises(InputError, match="asked for twice"):
        match_leads(["i", "I"], PTB, "rec")
    with pytest.raises(InputError, match="2 signals are called 'ecg'"):
        match_leads(["ecg"], ("ECG", "ecg"), "rec")


def test_einthoven_by_hand():
    assert limb_relations(("I", "II", "III")).tolist() == [[1, -1, 1]]  # III = II − I
    assert limb_relations(("i", "v1", "ii", "avr")).tolist() == [[0.5, 0, 0.5, 1]]  # aVR = −(I + II)/2


@pytest.mark.parametrize("size", range(7))
def test_relations_vanish_for_ideal_limb_leads_and_only_for_them(size):
    one, two = np.random.default_rng(0).normal(size=(2, 50))
    ideal = {
        "i": one, "ii": two, "iii": two - one, "avr": -(one + two) / 2, "avl": one - two / 2, "avf": two - one / 2,
    }  # fmt: skip
    for names in list(permutations(ideal, size))[::7]:
        channels = (*names, "v1")
        relations = limb_relations(channels)
        assert relations.shape == (max(0, size - 2), size + 1)
        x = np.stack([*(ideal[name] for name in names), np.random.default_rng(1).normal(size=50)])
        np.testing.assert_allclose(relations @ x, 0, atol=1e-12)
        assert np.linalg.matrix_rank(relations) == len(relations)
