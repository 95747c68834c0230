"""The store of prepared samples that training reads from."""
