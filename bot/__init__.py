"""The engine room: it knows how things are done, and knows no command."""
