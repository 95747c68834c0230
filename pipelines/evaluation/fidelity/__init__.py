"""Fidelity: how a generated set compares with samples of patients that training never saw."""

from .beats import score_r_peaks
from .distances import feature_map, score_distances
from .images import score_diversity, score_kernel_images
from .leads import score_lead_distance, score_limb_leads
from .neighbours import departure, nearest_neighbour_accuracy, score_1nnc, score_manifold
from .pairs import score_pairs, score_variation, variables
from .parameters import measure_parameters, score_parameters
from .signals import score_amplitude, score_autocorrelation, score_noise, score_spectrum, spectra
from .tables import score_columns, score_null, score_ranges

__all__ = [
    "departure",
    "feature_map",
    "measure_parameters",
    "nearest_neighbour_accuracy",
    "score_1nnc",
    "score_amplitude",
    "score_autocorrelation",
    "score_columns",
    "score_distances",
    "score_diversity",
    "score_kernel_images",
    "score_lead_distance",
    "score_limb_leads",
    "score_manifold",
    "score_noise",
    "score_null",
    "score_pairs",
    "score_parameters",
    "score_r_peaks",
    "score_ranges",
    "score_spectrum",
    "score_variation",
    "spectra",
    "variables",
]
