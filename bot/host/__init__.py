"""The host that a region runs on, reached over SSH."""
