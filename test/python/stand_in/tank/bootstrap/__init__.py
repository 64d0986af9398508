from . import import_handler  # noqa: F401
