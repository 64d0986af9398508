from . import import_handler  # noqa: F401


class ToolkitManager(object):
    """What a bootstrap begins with: whom it is for."""

    def __init__(self, sg_user=None):
        self._sg_user = sg_user
