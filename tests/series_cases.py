"""What tests of time series are built from."""

import numpy as np
import pandas as pd
from anonimage.data.samples import Samples


def put(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def as_samples(found):
    """Whole recordings as samples, as a generator trained on them would give."""
    first = found.recordings[0]
    frame = pd.DataFrame({"label": [recording.head.label for recording in found.recordings]})
    values = np.stack([recording.values for recording in found.recordings])
    return Samples(values, frame, first.channels, first.units, first.fs)
