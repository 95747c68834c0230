"""Folders of pictures, read and written."""
