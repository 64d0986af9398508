"""A Toolkit in miniature: the names at which its Flow sign-in can be reached, and its core swap. Made from what is known of tk-core 0.24."""

from . import authentication  # noqa: F401
