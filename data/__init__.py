"""Real data in, synthetic data out: records, leads, windows, splits and the store that training reads from."""

from .balance import undersample
from .patients import patients_of
from .pictures.reading import PictureDescription, Pictures, describe_pictures, read_pictures
from .pictures.writer import write_pictures
from .recording import RecordHead, Recording, Signal
from .samples import Samples
from .series.reading import Series, SeriesDescription, describe_series, find_series, read_series
from .series.writer import write_series
from .split import CONTROL, TRAIN, split_patients
from .store.ingest import StoredRecord
from .store.sample_store import AnyStore, SampleStore, open_store, store_mark
from .store.store import Store
from .table.file import TableFile, read_table, write_table
from .table.form import TableForm
from .table.rows import rows_of
from .wfdb.describe import Description, RecordRow, describe
from .wfdb.header import read_head, read_heads
from .wfdb.labels import CLASSES, TABLE_1, classes_of, diagnosis_of, label_of, relabel, table_1_row
from .wfdb.leads import limb_relations, match_leads
from .wfdb.listing import RecordEntry, find_records
from .wfdb.signals import read_record, read_records
from .windows import MISSING, cut, stretches

__all__ = [
    "CLASSES",
    "CONTROL",
    "MISSING",
    "TABLE_1",
    "TRAIN",
    "AnyStore",
    "Description",
    "PictureDescription",
    "Pictures",
    "RecordEntry",
    "RecordHead",
    "RecordRow",
    "Recording",
    "SampleStore",
    "Samples",
    "Series",
    "SeriesDescription",
    "Signal",
    "Store",
    "StoredRecord",
    "TableFile",
    "TableForm",
    "classes_of",
    "cut",
    "describe",
    "describe_pictures",
    "describe_series",
    "diagnosis_of",
    "find_records",
    "find_series",
    "label_of",
    "limb_relations",
    "match_leads",
    "open_store",
    "patients_of",
    "read_head",
    "read_heads",
    "read_pictures",
    "read_record",
    "read_records",
    "read_series",
    "read_table",
    "relabel",
    "rows_of",
    "split_patients",
    "store_mark",
    "stretches",
    "table_1_row",
    "undersample",
    "write_pictures",
    "write_series",
    "write_table",
]
