"""Stand-in programs for a real machine: `snap`, `maas`, `maas-test-db.psql`, with the real ones' texts and exit codes.

They are put on the integration host (`tests/host/`), where all else is real. Standard library only: there they lie in
/usr/lib/standin, under these names, with the host's own Python.
"""
