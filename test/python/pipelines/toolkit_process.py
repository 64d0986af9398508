"""A process that uses Toolkit: ``toolkit_process.py CASE``, for test_sgtk.py. Ends with 0 when the case holds."""

import importlib
import os
import pickle
import shutil
import subprocess
import sys

import sg_session
from stage import LOGIN, client_paths, end_session, files_with, sessions_made


def token():
    return sg_session.get_session().session_token


def artist_signs_in():
    import tank

    user = sg_session.sgtk.sign_in()
    assert user.login == LOGIN and user.host == sg_session.get_session().api_url
    assert tank.api.get_authenticated_user() is user
    assert works(user.create_sg_connection())


def session_ends_and_calls_go_on():
    sg = sg_session.sgtk.sign_in().create_sg_connection()
    assert works(sg)
    made, before = sessions_made(), token()
    for number in range(40):
        if number == 20:
            end_session()
        assert works(sg)
    assert sessions_made() - made == 1 and token() != before


def another_tool_has_renewed_already():
    sg = sg_session.sgtk.sign_in().create_sg_connection()
    end_session()
    sg_session.report_rejected()
    made = sessions_made()
    assert works(sg) and sessions_made() == made


def serialised_user_has_no_token():
    from tank.authentication import deserialize_user, serialize_user

    user = sg_session.sgtk.sign_in()
    for use_json in (False, True):
        payload = serialize_user(user, use_json=use_json)
        assert token() not in str(payload), "the token is in the serialised user"
        again = deserialize_user(payload)
        assert again.login == LOGIN and works(again.create_sg_connection())


def default_user_is_the_artist_with_nothing_on_disk():
    sg_session.sgtk.prepare()
    from tank.authentication import ShotgunAuthenticator

    user = ShotgunAuthenticator().get_default_user()
    assert user.login == LOGIN and works(user.create_sg_connection())


def token_that_lies_on_disk_is_not_used():
    from tank.authentication import ShotgunAuthenticator, session_cache

    host, stale = sg_session.get_session().api_url, "0" * 32
    session_cache.cache_session_data(host, LOGIN, stale)
    session_cache.cache_session_data(host, "supervisor", stale)
    assert session_cache.get_session_data(host, LOGIN)["session_token"] == stale
    sg_session.sgtk.sign_in()
    assert session_cache.get_session_data(host, LOGIN)["session_token"] == token()
    assert session_cache.get_session_data(host, "supervisor") is None
    assert works(ShotgunAuthenticator().get_default_user().create_sg_connection())


def core_is_swapped():
    from tank.authentication import serialize_user
    from tank.bootstrap.import_handler import CoreImportHandler

    user = sg_session.sgtk.sign_in()
    payload = serialize_user(user)
    old = sys.modules["tank.authentication.user_impl"]
    for number in (1, 2):
        CoreImportHandler.swap_core(copy_of_the_core("swapped-%d" % number))
        new = importlib.import_module("tank.authentication.user_impl")
        assert new is not old and "swapped-%d" % number in new.__file__, new.__file__
        old = new
    authentication = importlib.import_module("tank.authentication")
    crossed = authentication.deserialize_user(payload)
    importlib.import_module("tank.api").set_authenticated_user(crossed)
    assert type(crossed) is not type(user)
    sg = crossed.create_sg_connection()
    assert works(sg)
    assert token() not in str(authentication.serialize_user(crossed))
    made = sessions_made()
    end_session()
    assert works(sg) and works(user.create_sg_connection()), "both cores go on"
    assert sessions_made() - made == 1
    assert authentication.ShotgunAuthenticator().get_default_user().login == LOGIN


def child_gets_the_user_without_the_token():
    from tank.authentication import serialize_user

    payload = serialize_user(sg_session.sgtk.sign_in(), use_json=True)
    for prepared in ("yes", "no"):
        environment = dict(os.environ, TANK_CONTEXT=payload)
        assert token() not in str(environment)
        subprocess.check_call([sys.executable, os.path.abspath(__file__), "child", prepared], env=environment)


def child(prepared):
    if prepared == "yes":
        sg_session.sgtk.prepare()
    from tank.authentication import IncompleteCredentials, deserialize_user

    try:
        user = deserialize_user(os.environ["TANK_CONTEXT"])
    except IncompleteCredentials:
        assert prepared == "no", "the prepared child has no session"
    else:
        assert prepared == "yes" and works(user.create_sg_connection())


def users_of_other_sites_are_left_alone():
    sg_session.sgtk.sign_in()
    from tank.authentication import ShotgunAuthenticator, serialize_user, session_cache

    other = ShotgunAuthenticator().create_session_user("somebody", session_token="f" * 32, host="https://elsewhere.example")
    assert "f" * 32 in str(serialize_user(other))
    assert session_cache.get_session_data("https://elsewhere.example", "somebody") is None
    assert session_cache.get_session_data(other.host, LOGIN) is None
    assert session_cache.get_session_data(sg_session.get_session().api_url, "supervisor") is None, "no token for another login"


def core_of_another_build_is_refused():
    module = importlib.import_module("tank.authentication.session_cache")
    del module.cache_session_data
    try:
        sg_session.sgtk.sign_in()
    except sg_session.UnsupportedVersion as error:
        assert "session_cache" in str(error)
    else:
        raise AssertionError("signed in although tokens may go to disk")


def works(sg):
    return sg.find_one("HumanUser", [["login", "is", LOGIN]])["type"] == "HumanUser"


def copy_of_the_core(name):
    place = next(path for path in client_paths() if os.path.isdir(os.path.join(path, "tank")))
    target = os.path.join(os.environ["SG_TEST_FOLDER"], name, "python")
    for package in ("tank", "sgtk", "tank_vendor", "shotgun_api3"):
        if os.path.isdir(os.path.join(place, package)):
            shutil.copytree(os.path.join(place, package), os.path.join(target, package))
    # Where tk-core keeps what it brings along.
    requirements = os.path.join(os.path.dirname(place), "requirements")
    if os.path.isdir(requirements):
        shutil.copytree(requirements, os.path.join(os.path.dirname(target), "requirements"))
    return target


def main(case, *arguments):
    home = os.environ["SHOTGUN_HOME"]
    globals()[case](*arguments)
    for secret in (token(), "f" * 32):
        found = files_with(secret, home)
        assert not found, "a token is in %s" % found
    assert pickle.dumps(dict(os.environ)).find(token().encode("ascii")) < 0


if __name__ == "__main__":
    main(*sys.argv[1:])
