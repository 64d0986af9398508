class AuthConfig(object):
    def __init__(self, application_id, required_application_scopes):
        self.application_id = application_id
        self.required_application_scopes = required_application_scopes


def get_access_token(config, **options):
    raise RuntimeError("the browser sign-in of %s would begin here" % config.application_id)
