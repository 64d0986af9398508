from .shotgun import AuthenticationFault, Fault, ProtocolError, Shotgun, ShotgunError, ShotgunFileDownloadError

__all__ = ["AuthenticationFault", "Fault", "ProtocolError", "Shotgun", "ShotgunError", "ShotgunFileDownloadError"]
