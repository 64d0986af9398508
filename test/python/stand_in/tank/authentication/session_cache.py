"""Tokens in a file under $SHOTGUN_HOME, in clear. facts: TK §4.1"""

import json
import os
import urllib.parse


def _path(host=""):
    folder = os.environ.get("SHOTGUN_HOME") or os.path.expanduser("~/.shotgun")
    return os.path.join(folder, urllib.parse.urlsplit(host).hostname or "", "authentication.yml")


def _read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def get_session_data(base_url, login):
    token = _read(_path(base_url)).get("users", {}).get(login.lower())
    return {"login": login, "session_token": token} if token else None


def cache_session_data(host, login, session_token, session_metadata=None):
    path = _path(host)
    content = _read(path)
    content.setdefault("users", {})[login.lower()] = session_token
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump(content, file)


def get_current_host():
    return _read(_path()).get("current_host")


def get_current_user(host):
    return _read(_path(host)).get("current_user")
