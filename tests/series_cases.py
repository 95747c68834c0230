"""What tests of time series are built from."""

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples
from anonimage.data.series.series import series_format
from anonimage.data.sharded import Plan
from writer_cases import write_set


def put(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_series(samples, dest, form):
    """Samples in the layout that a source was read from; the files with the values."""
    plan = Plan.of(samples)
    write_set(lambda first: [samples], dest, series_format(plan, form))
    if form["layout"] != "columns":
        return [dest / form["file"]]
    return [dest / f"{name}{form['suffix']}" for name in plan.names(0, plan.n)]


def as_samples(result):
    """Whole recordings as samples, as a generator trained on them would give."""
    first = result.recordings[0]
    frame = pd.DataFrame({"label": [recording.head.label for recording in result.recordings]})
    values = np.stack([recording.values for recording in result.recordings])
    return Samples(values, frame, first.channels, first.units, first.fs)
