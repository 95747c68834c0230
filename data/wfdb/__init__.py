"""WFDB databases: listing, headers, labels, leads, signals, writing, downloads and a simulator."""
