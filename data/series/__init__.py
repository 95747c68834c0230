"""Time series that are no WFDB database: text files and .npz, read and written."""
