"""A learner of rows of tables: gradient boosting."""

from collections.abc import Callable

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier

from .study import Judge, Learner


def scikit(make: Callable[[int], ClassifierMixin]) -> Learner:
    """A learner of rows (N, F) that is one of scikit-learn's classifiers; what it never saw has probability 0.

    Arguments:
        make: a classifier for a seed.
    """

    def learn(values: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> Judge:
        there = ~np.isnan(values).all(axis=0)  # a feature that is missing everywhere tells nothing, and is not taken
        told = np.where(there, values, 0)
        classifier = make(seed).fit(told, labels)

        def judge(rows: np.ndarray) -> np.ndarray:
            probabilities = np.zeros((len(rows), classes))
            probabilities[:, classifier.classes_] = classifier.predict_proba(np.where(there, rows, 0))
            return probabilities

        return judge

    return learn


# Takes missing values as they are. Its own settings, except that all classes weigh the same.
boosting = scikit(lambda seed: HistGradientBoostingClassifier(class_weight="balanced", random_state=seed))
