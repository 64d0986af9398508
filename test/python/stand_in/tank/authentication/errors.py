class ShotgunAuthenticationError(Exception):
    pass


class IncompleteCredentials(ShotgunAuthenticationError):
    pass


class AuthenticationCancelled(ShotgunAuthenticationError):
    def __init__(self):
        super().__init__("the artist closed the dialog")
