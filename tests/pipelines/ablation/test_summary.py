"""Planted scores: what was planted is found, what was not is not, and runs that make no pair are left out of it."""

import numpy as np
import pandas as pd
import pytest
from anonimage.pipelines.ablation.page import Table
from anonimage.pipelines.ablation.summary import DEPARTURE, long_table, summarize
from anonimage.pipelines.recipe import load_recipe

from .planted import CELLS, run, study

RECIPE = load_recipe("ptb-quantile")


def text_of(summary):
    """The table of an ablation as text."""
    return Table("ablation", summary, [], {}, RECIPE).markdown()


def lines(summary, name):
    return {line.cell: line for line in (summary.headlines | summary.others)[name]}


def test_a_planted_effect_is_found_and_nothing_else():
    summary = summarize(study(), CELLS)
    assert [(name, line.cell) for name, line in summary.significant()] == [("recall", 2)]
    judged = lines(summary, "recall")[2].difference
    assert judged.low < 0.2 < judged.high
    assert judged.wide_low < judged.low < judged.high < judged.wide_high


def test_pairs_find_what_means_hide():
    recall = lines(summarize(study(), CELLS), "recall")
    assert recall[0].mean.high > recall[1].mean.low  # the seeds differ far more than the cells
    assert recall[1].difference.high - recall[1].difference.low < 0.5 * (recall[1].mean.high - recall[1].mean.low)


def test_the_family_is_all_comparisons_of_the_headline_scores():
    summary = summarize(study(), CELLS)
    assert set(summary.headlines) == {"1nnc_synthetic", "1nnc_real", DEPARTURE, "precision", "recall"}
    assert summary.family == 5 * 2
    judged = [line.difference for each in summary.headlines.values() for line in each if line.difference]
    first, second = sorted((each for each in judged if not np.isnan(each.p)), key=lambda each: each.p)[:2]
    assert first.p_holm == pytest.approx(10 * first.p)
    assert second.p_holm == pytest.approx(min(1, 9 * second.p))
    others = lines(summary, "noise")[2].difference  # not of the family: its p-value is as it is
    assert others.p_holm == others.p


def test_the_departure_of_1nnc_counts_both_directions():
    (only,) = lines(summarize([run(0, 0, _1nnc_synthetic=0.9, _1nnc_real=0.3)], CELLS[:1]), DEPARTURE).values()
    assert only.mean.value == pytest.approx((0.4 + 0.2) / 2)
    assert only.baseline == pytest.approx(0.05)


def test_a_failed_run_leaves_its_seed_out_in_pairs_only():
    runs = [each for each in study() if (each.settings, each.seed) != (CELLS[1], 2)]
    recall = lines(summarize(runs, CELLS), "recall")
    assert (recall[0].mean.n, recall[1].mean.n, recall[2].mean.n) == (5, 4, 5)
    assert (recall[1].difference.n, recall[2].difference.n) == (4, 5)
    assert 2 not in recall[1].differences


def test_runs_on_other_patients_are_no_pair_and_it_is_said():
    runs = [
        run(cell, seed, "other" if cell == 2 else "same", recall=0.5 + seed / 10)
        for cell in range(3)
        for seed in (0, 1)
    ]
    summary = summarize(runs, CELLS)
    assert lines(summary, "recall")[2].difference is None
    assert lines(summary, "recall")[1].difference.n == 2
    assert summary.unpaired == [(2, 0), (2, 1)]
    assert "\n- Not paired: 2 runs with another source or other patients" in text_of(summary)
    assert "(arrangement=delay, seed 0)" in text_of(summary)


def test_one_seed_is_shown_without_any_inference():
    summary = summarize(study(seeds=1), CELLS)
    assert summary.family == 0
    assert not summary.significant()
    text = text_of(summary)
    assert "Nothing was tested (one seed)" in text
    assert "no interval and no test" in text
    recall = text[text.index("## recall") :]
    cell, _, interval, _, difference, *judged = next(
        line.strip("| ").split(" | ") for line in recall.splitlines() if line.startswith("| arrangement=delay")
    )
    assert (cell, interval) == ("arrangement=delay", "none")
    assert difference.startswith("+0.")
    assert judged == ["none", "none", "–", "–", "1", "–"]


def test_finding_nothing_is_not_called_equality():
    summary = summarize(study(effect=0), CELLS)
    assert not summary.significant()
    assert "\nNo difference found in 10 comparisons" in text_of(summary)
    sizes = [line.difference.detectable for line in summary.headlines[DEPARTURE] if line.difference]
    assert np.isnan(sizes).all()  # planted without chance: so another score says how little was looked for
    sizes = [line.difference.detectable for line in summary.headlines["precision"] if line.difference]
    words = "not the same as no difference: to be found in 80 of 100 such ablations, precision would have to differ by"
    assert f"{words} up to {max(sizes):.3g}" in text_of(summary)


def test_cells_that_are_all_hopeless_are_not_called_alike_without_a_warning():
    bad, better = ({"_1nnc_synthetic": 1.0, "_1nnc_real": 0.98 - 0.2 * good} for good in (0, 1))
    runs = [run(cell, seed, **bad) for cell in range(3) for seed in range(2)]
    assert "train longer" in text_of(summarize(runs, CELLS))
    assert "train longer" not in text_of(summarize([*runs[:-2], run(2, 0, **better), run(2, 1, **better)], CELLS))


def test_another_measure_is_noticed_by_its_baseline():
    runs = [
        run(cell, seed, recall=(0.5 + seed / 10, 0.8 + 0.1 * (cell == 1))) for cell in range(3) for seed in range(2)
    ]
    summary = summarize(runs, CELLS)
    assert [line.another_baseline for line in summary.headlines["recall"]] == [False, True, False]
    assert text_of(summary).count("\n- ‡ The baseline") == 1


def test_a_first_cell_that_failed_leaves_nothing_to_compare_with():
    summary = summarize([each for each in study() if each.settings != CELLS[0]], CELLS)
    assert summary.family == 0
    assert [line.cell for line in summary.headlines["recall"]] == [1, 2]
    assert "Nothing was tested" in text_of(summary)


def test_a_score_that_some_runs_lack_or_could_not_measure_is_compared_where_it_is():
    runs = [run(0, seed, recall=0.5 + seed / 10, kernel=0.1) for seed in range(3)]
    runs += [run(1, 0, recall=0.5), run(1, 1, recall=np.nan, kernel=0.2), run(1, 2, recall=0.7, kernel=0.2)]
    summary = summarize(runs, CELLS)
    assert lines(summary, "recall")[1].difference.n == 2
    assert lines(summary, "kernel")[1].values == {1: 0.2, 2: 0.2}
    assert np.isnan(lines(summary, "kernel")[1].difference.p)  # the same difference twice


def test_all_files_say_the_same(tmp_path):
    runs = study()
    summary = summarize(runs, CELLS)
    Table("ablation", summary, runs, {"arrangement=z, seed 9": "no <lead> 'vx'"}, RECIPE).write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("ablation.csv", "ablation-summary.csv", "ablation.md", "ablation.html")
    }
    table = pd.read_csv(tmp_path / "ablation.csv")
    pd.testing.assert_frame_equal(table.fillna({"unit": ""}), long_table(runs), check_dtype=False)
    one = table[(table["score"] == "recall") & (table["seed"] == 3) & (table["arrangement"] == "delay")]
    assert one["value"].item() == pytest.approx(lines(summary, "recall")[2].values[3])
    means = pd.read_csv(tmp_path / "ablation-summary.csv").set_index(["arrangement", "score"])
    assert means.loc[("delay", "recall"), "difference"] == pytest.approx(lines(summary, "recall")[2].difference.value)
    assert means.loc[("delay", "recall"), "difference_p_holm"] < 0.05
    assert np.isnan(means.loc[("delay", "noise"), "difference_p_holm"])  # of no family
    page, text = ((tmp_path / f"ablation.{kind}").read_text("utf-8") for kind in ("html", "md"))
    failed, shown = "1 run failed and is in no table", "(5 scores, 5 seeds) shows a difference"
    for judged in (
        "1 of 10 comparisons with arrangement=z",
        "arrangement=z, seed 9",
        "80 of 100 ablations",
        failed,
        shown,
    ):
        assert judged in page
        assert judged in text
    assert "no &lt;lead&gt;" in page
    assert page.count("<svg") == 2 * len(summary.headlines)
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "| arrangement=delay | " in text
