_authenticated_user = None


def set_authenticated_user(user):
    global _authenticated_user
    _authenticated_user = user


def get_authenticated_user():
    return _authenticated_user
