"""What a person can type: one file a family."""
