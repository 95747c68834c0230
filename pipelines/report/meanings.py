"""The table of scores: what each one is called and means, in the order of the page."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["fidelity", "utility", "coding", "other"]
PARTS: dict[Part, str] = {
    "fidelity": "Fidelity: how like real ones",
    "utility": "Utility: what a classifier learns from them",
    "coding": "The way into an image and back",
    "other": "Other scores",
}


@dataclass(frozen=True)
class Entry:
    """A score, or a family of scores.

    Arguments:
        key: its name; one that ends in a colon begins the names of a family, "ks:" that of "ks: age".
        part: of the page.
        title, meaning: for readers. Of this run, {what} are windows, rows or pictures; {cutoff} is the frequency above
            which is noise, {width} the adapted range, {lead} the one that beats
            are measured on, {leads} what channels are called, and {source} what they are of.
    """

    key: str
    part: Part
    title: str
    meaning: str

    def covers(self, name: str) -> bool:
        return name == self.key or (self.key.endswith(":") and name.startswith(f"{self.key} "))


_PARAMETER = (
    "{lead}Mean, SD and percentiles over windows, and the share where it could not be measured; baseline: control "
    "windows. KS: distance of the distributions from control windows; baseline: training windows in the synthetic "
    "ones' place."
)
_CLASSES = "PR-AUC of a class against the others, their mean, and balanced accuracy; all on real control people."
_CODED = " Real windows have gone through the image, too: coded and decoded."
_HALVES = (
    "In units of the distance between two halves of real people. Far above 1: unlike them; below or about 1 says "
    "little with few people, and with fewer than 20 control people it is not measured."
)

ENTRIES = (
    Entry(
        "1nnc",
        "fidelity",
        "1-nearest-neighbour accuracy, synthetic against control",
        "0.5 in both halves: not to be told apart; 1: the nearest gives it away; near 0: copies. Baseline: the floor.",
    ),
    Entry(
        "1nnc_synthetic",
        "fidelity",
        "its synthetic half",
        "Those whose nearest is synthetic. 1 with a low real half: all much alike; 0: they scatter like noise.",
    ),
    Entry(
        "1nnc_real",
        "fidelity",
        "its real half",
        "Control ones whose nearest is from control. 1: no synthetic one comes near a real one.",
    ),
    Entry(
        "1nnc_floor",
        "fidelity",
        "the floor: training against control",
        "The same figure for real {what} of other people; a perfect generator is at or below it, not at 0.5.",
    ),
    Entry(
        "precision",
        "fidelity",
        "precision",
        "Share of synthetic {what} inside the space that real ones fill. Baseline: training {what} in their place.",
    ),
    Entry(
        "recall",
        "fidelity",
        "recall",
        "Share of real {what} inside the space that synthetic ones fill. Near 0: always much the same. "
        "Baseline: training {what}.",
    ),
    Entry(
        "density",
        "fidelity",
        "density",
        "Precision, counted by how many real {what} are near: less swayed by outliers. Baseline: training {what}.",
    ),
    Entry(
        "coverage",
        "fidelity",
        "coverage",
        "Share of real {what} that have a synthetic one near. Near 0: something else. Noise, or one sample again and "
        "again, may be near many real ones: read it with recall and 1NNC. Baseline: training {what}.",
    ),
    Entry(
        "frechet",
        "fidelity",
        "Fréchet distance",
        "Of means and spreads of features of synthetic and control {what}; 0: alike. Baseline: training {what}.",
    ),
    Entry(
        "r_frechet",
        "fidelity",
        "Fréchet distance, relative",
        _HALVES + " It does not tell noise from hearts then; the kernel distance is the better guide.",
    ),
    Entry(
        "kernel",
        "fidelity",
        "kernel distance",
        "Maximum mean discrepancy of features; 0: alike, and it may be below. Baseline: training {what}.",
    ),
    Entry(
        "r_kernel",
        "fidelity",
        "kernel distance, relative",
        _HALVES,
    ),
    Entry(
        "similarity",
        "fidelity",
        "likeness of synthetic images to each other",
        "Mean structural similarity of pairs. Near 1: one image again and again. Baseline: control images.",
    ),
    Entry(
        "kernel_images",
        "fidelity",
        "kernel distance of images",
        "Maximum mean discrepancy of shapes and grey levels; 0: alike. Baseline: training images in their place.",
    ),
    Entry(
        "r: undetectable",
        "fidelity",
        "windows in which no R wave could be measured",
        "{lead}Near 1: noise, which has no R waves. Baseline: control windows.",
    ),
    Entry("heart_rate:", "fidelity", "heart rate,", _PARAMETER),
    Entry("p_duration:", "fidelity", "P duration,", _PARAMETER),
    Entry("pr:", "fidelity", "PR interval,", _PARAMETER),
    Entry("qrs:", "fidelity", "QRS duration,", _PARAMETER),
    Entry("qt:", "fidelity", "QT interval,", _PARAMETER),
    Entry("stj:", "fidelity", "ST level at the J point,", _PARAMETER),
    Entry("r:", "fidelity", "R amplitude,", _PARAMETER),
    Entry("t:", "fidelity", "T amplitude,", _PARAMETER),
    Entry(
        "qt_rr",
        "fidelity",
        "QT explained by RR (r²)",
        "{lead}In hearts, QT grows with RR; a generator that ignores it is near 0. Baseline: control windows.",
    ),
    Entry(
        "qt_rr:",
        "fidelity",
        "correlation of QT with RR,",
        "With its sign: in hearts, QT grows with RR, so that it is above 0. Baseline: control windows.",
    ),
    Entry("r_peaks", "fidelity", "R peaks per window, synthetic", "{lead}Baseline: control windows."),
    Entry(
        "r_peaks_control",
        "fidelity",
        "R peaks per window, control",
        "The same detector on real windows of other people.",
    ),
    Entry(
        "peaks_2_3",
        "fidelity",
        "windows with two or three R peaks",
        "{lead}What two seconds of a heart hold. Baseline: control windows.",
    ),
    Entry(
        "noise",
        "fidelity",
        "share of power in high frequencies",
        "Above a twelfth of the sampling rate{cutoff}. Baseline: control windows." + _CODED,
    ),
    Entry(
        "spectrum",
        "fidelity",
        "distance of the power spectra",
        "Of the medians over windows, in decibels; 0: alike. Baseline: training against control." + _CODED,
    ),
    Entry("spectrum:", "fidelity", "distance of the power spectra,", "The same within a band of frequencies."),
    Entry(
        "autocorrelation",
        "fidelity",
        "difference of the autocorrelations",
        "How signals resemble themselves some time later: rhythm. Baseline: training against control.",
    ),
    Entry(
        "autocorrelation_largest",
        "fidelity",
        "largest difference of the autocorrelations",
        "Over all delays and channels.",
    ),
    Entry(
        "amplitude_worst",
        "fidelity",
        "largest distance of the amplitudes of a channel",
        "Of all values of a channel. Baseline: training {what} in their place.",
    ),
    Entry("amplitude:", "fidelity", "distance of the amplitudes,", "Of all values of the channel."),
    Entry(
        "einthoven",
        "fidelity",
        "limb-lead residual, III = II − I",
        "Root mean square of what breaks Einthoven's relation. Baseline: control windows." + _CODED,
    ),
    Entry(
        "goldberger",
        "fidelity",
        "limb-lead residual, augmented leads",
        "Root mean square of what breaks Goldberger's relations. Baseline: control windows." + _CODED,
    ),
    Entry(
        "lead_distance",
        "fidelity",
        "distance between the {leads} of a window",
        "Real {leads} of one {source} belong together. Baseline: control windows.",
    ),
    Entry(
        "null_clean", "fidelity", "images whose NULL pixels are all 0", "As generated, before the decoder enforces it."
    ),
    Entry(
        "inside_ranges",
        "fidelity",
        "rows inside the training ranges",
        "Every value of the row. Baseline: control rows.",
    ),
    Entry(
        "ks_worst",
        "fidelity",
        "largest KS distance of a column",
        "Of numbers, synthetic against training. Baseline: control against training rows.",
    ),
    Entry(
        "share_worst", "fidelity", "largest difference of a share", "Of columns with two values, and of each category."
    ),
    Entry(
        "tv_worst",
        "fidelity",
        "largest total variation of a column",
        "0: the same shares; 1: no overlap. Baseline: control against training rows.",
    ),
    Entry("tv_mean", "fidelity", "mean total variation of the columns", "0: the same shares; 1: no overlap."),
    Entry(
        "correlation_worst",
        "fidelity",
        "largest difference of a correlation",
        "Between pairs of numbers: whether what belongs together in a row still does.",
    ),
    Entry("correlation_mean", "fidelity", "mean difference of the correlations", "Between all pairs of numbers."),
    Entry(
        "contingency_worst",
        "fidelity",
        "largest difference of a two-way table",
        "Between pairs of columns, as total variation: whether what belongs together still does.",
    ),
    Entry("contingency_mean", "fidelity", "mean difference of two-way tables", "Between all pairs of columns."),
    Entry(
        "ks:",
        "fidelity",
        "KS distance of the column",
        "0: the same spread; 1: no overlap. Baseline: control against training rows.",
    ),
    Entry(
        "share:",
        "fidelity",
        "difference of the share",
        "Synthetic less training rows. Baseline: control less training rows.",
    ),
    Entry(
        "tv:",
        "fidelity",
        "total variation of the column",
        "0: the same shares; 1: no overlap. Baseline: control against training rows.",
    ),
    Entry(
        "correlation:",
        "fidelity",
        "difference of correlations",
        "Between pairs of numbers. Baseline: control against training rows.",
    ),
    Entry(
        "contingency:",
        "fidelity",
        "difference of two-way tables",
        "Between pairs of columns. Baseline: control against training rows.",
    ),
    Entry(
        "tstr:",
        "utility",
        "train on synthetic, test on real:",
        _CLASSES + " Baseline: trained on real {what}.",
    ),
    Entry(
        "tstr − trtr:",
        "utility",
        "synthetic instead of real training data, difference:",
        "Below 0: a classifier loses by it. Both are tested on the same people.",
    ),
    Entry(
        "augmented:",
        "utility",
        "train on real and synthetic, test on real:",
        _CLASSES + " Baseline: trained on real {what} alone.",
    ),
    Entry(
        "augmented − trtr:",
        "utility",
        "synthetic added to real training data, difference:",
        "Above 0: a classifier gains by it. Both are tested on the same people.",
    ),
    Entry(
        "trtr:",
        "utility",
        "train on real, test on real:",
        "What can be had from real {what}. Baseline: labels shuffled between people.",
    ),
    Entry(
        "trts:",
        "utility",
        "train on real, test on synthetic:",
        "Whether synthetic {what} carry the class that they are said to. Baseline: tested on real {what}.",
    ),
    Entry(
        "shuffled:",
        "utility",
        "trained on shuffled labels:",
        "Nothing can be learnt from these: what chance looks like. Baseline: the commonest class.",
    ),
    Entry("majority:", "utility", "always the commonest class:", "Needs no classifier at all."),
    Entry(
        "class_accuracy",
        "utility",
        "class accuracy of the discriminator on generated images",
        "Says that classes differ, not that they are right (section 4.6). Baseline: the commonest class.",
    ),
    Entry(
        "class_accuracy_control",
        "utility",
        "class accuracy of the discriminator on control people",
        "Real {what} of people whom training never saw. Baseline: the commonest class.",
    ),
    Entry(
        "class_recall_control",
        "utility",
        "the same, as the mean over the classes",
        "As if each class were as frequent as any other, which they are in balanced training. Baseline: guessing.",
    ),
    Entry(
        "class_accuracy_training",
        "utility",
        "class accuracy of the discriminator on training people",
        "Far above that on control people: the discriminator knows its training {what} by heart.",
    ),
    Entry(
        "round_trip_rms",
        "coding",
        "round trip of real windows, RMS",
        "Signal → image → signal, over all values. Baseline: the codec's declared tolerance.",
    ),
    Entry(
        "round_trip_max",
        "coding",
        "round trip of real windows, largest error inside the bounds",
        "Values that do not saturate. Baseline: the codec's declared tolerance.",
    ),
    Entry(
        "saturated_windows",
        "coding",
        "windows with a value outside the quantile bounds",
        "Such values are cut off at the bounds.{paper_share}",
    ),
    Entry(
        "saturated_values",
        "coding",
        "values outside the quantile bounds",
        "Share of all values of all windows.",
    ),
    Entry(
        "wide_windows",
        "coding",
        "windows wider than {width}",
        "Before anything is cut off. Their highest values are, at grey level 255, where eq. 3 is used.",
    ),
)


# Worst cases over all samples looked at: nothing is estimated, so there is no interval
EXACT = {"round_trip_max", "inside_ranges"}
