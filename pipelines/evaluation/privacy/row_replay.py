"""The positive control of tables: training rows with small noise in their numbers, which a battery has to catch."""

import numpy as np

from ....data.samples import Samples
from ....data.table.columns import NUMBERS
from ....data.table.form import TableForm

NOISE = 0.02  # of what a column's numbers spread (5 to 95 percentile of training rows)


def replay_rows(training: Samples, form: TableForm, n: int, seed: int, noise: float = NOISE) -> Samples:
    """Rows of training as a generator would release them that learnt them by heart.

    Arguments:
        training: rows of the table.
        form: of the table; it gives the numbers their decimals and range, as it does with generated rows.
        n: rows wanted; each training row comes equally often, but for one.
        seed: of the choice and the noise.
        noise: standard deviation, as a share of the spread.

    Returns:
        n rows that name no patient.
    """
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(len(training)) for _ in range(-(-n // len(training)))]
    rows = training.select(np.concatenate(rounds)[:n])
    values = rows.values.copy()  # (n, F, 1)
    for k, kind in enumerate(form.kinds):
        cells = training.values[:, k, 0]
        if kind in NUMBERS and not np.isnan(cells).all():
            low, high = np.nanpercentile(cells, (5, 95))
            values[:, k, 0] += noise * (high - low) * rng.standard_normal(n)
    # through the table and back: decimals, ranges and missing values as in every released row
    return form.to_samples(form.to_frame(Samples(values, rows.frame, rows.channels, rows.units)))
