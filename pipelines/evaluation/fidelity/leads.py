"""Several leads: do the laws between them hold?"""

import numpy as np

from ..score import Score, interval


def score_limb_leads(generated: np.ndarray, control: np.ndarray, relations: np.ndarray, seed: int) -> dict[str, Score]:
    """How far the limb leads are from the relations that hold between them, with real windows as baseline.

    Arguments:
        generated, control: (N, C, L) in mV.
        relations: (K, C) rows r with r @ x = 0; none: nothing is scored.
        seed: of the bootstrap.

    Returns:
        "einthoven": root mean square of the residuals in µV.
    """
    if not len(relations):
        return {}

    def squares(windows: np.ndarray) -> np.ndarray:
        return 1e6 * np.nanmean((relations @ windows) ** 2, axis=(1, 2))

    def root(values: np.ndarray) -> float:
        return float(np.sqrt(np.mean(values)))

    ours = squares(generated)
    ends = interval(ours, np.arange(len(ours)), root, seed)
    return {"einthoven": Score(root(ours), *ends, root(squares(control)), len(ours), "µV")}
