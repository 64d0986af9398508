from . import user_impl


class ShotgunUser(object):
    def __init__(self, impl):
        self.impl = impl

    @property
    def host(self):
        return self.impl.get_host()

    @property
    def login(self):
        return self.impl.get_login()

    def create_sg_connection(self):
        return self.impl.create_sg_connection()


def serialize_user(user, use_json=False):
    return user_impl.serialize_user(user.impl, use_json=use_json)


def deserialize_user(payload):
    return ShotgunUser(user_impl.deserialize_user(payload))
