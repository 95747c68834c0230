"""Real data in, synthetic data out: records, leads, windows, splits and the store that training reads from."""

from .describe import Description, RecordRow, describe
from .draft import StoredRecord
from .labels import CLASSES, diagnosis_of, label_of
from .leads import limb_relations, match_leads
from .listing import RecordEntry, find_records
from .samples import Samples
from .split import CONTROL, TRAIN, split_patients
from .store import Store
from .wfdb_header import RecordHead, Signal, read_head, read_heads
from .wfdb_source import Recording, read_record, read_records
from .windows import MISSING, cut, stretches

__all__ = [
    "CLASSES",
    "CONTROL",
    "MISSING",
    "TRAIN",
    "Description",
    "RecordEntry",
    "RecordHead",
    "RecordRow",
    "Recording",
    "Samples",
    "Signal",
    "Store",
    "StoredRecord",
    "cut",
    "describe",
    "diagnosis_of",
    "find_records",
    "label_of",
    "limb_relations",
    "match_leads",
    "read_head",
    "read_heads",
    "read_record",
    "read_records",
    "split_patients",
    "stretches",
]
