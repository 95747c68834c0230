"""Fidelity: how a generated set compares with samples of patients that training never saw."""

from .beats import score_r_peaks
from .images import score_diversity
from .leads import score_limb_leads
from .neighbours import departure, nearest_neighbour_accuracy, score_1nnc
from .signals import score_noise
from .tables import score_columns, score_null, score_ranges

__all__ = [
    "departure",
    "nearest_neighbour_accuracy",
    "score_1nnc",
    "score_columns",
    "score_diversity",
    "score_limb_leads",
    "score_noise",
    "score_null",
    "score_r_peaks",
    "score_ranges",
]
