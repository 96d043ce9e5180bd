"""Being here, this file makes `tests/` importable: `from mutations import survivors`."""
