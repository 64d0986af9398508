"""What a pipeline developer would write: gets the artist's session and works on the site as that artist.

With "ask" as its argument it waits for the artist where they are asked something first. Reads Projects and Shots, writes a Note, and prints one JSON object of what the site said. Uses shotgun_api3 when
SG_REAL_CLIENTS has one for this Python, else the same JSON-RPC calls by hand.
"""

import json
import os
import ssl
import sys
import time
import urllib.request

import sg_session

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "python"))

import clients  # noqa: E402


def main():
    started = time.perf_counter()
    session = get_session(sys.argv[1] if len(sys.argv) > 1 else "")
    took_ms = (time.perf_counter() - started) * 1000
    site = connect(session)
    projects = site.find("Project", [], ["name"])
    shots = site.find("Shot", [], ["code"])
    note = site.create("Note", {"project": projects[0], "subject": "Checked", "content": "Written by a plug-in."})
    written = site.find_one("Note", [["id", "is", note["id"]]], ["created_by"])
    print(
        json.dumps(
            {
                "login": session.login,
                "site": session.site,
                "get_session_ms": round(took_ms, 2),
                "client": type(site).__module__,
                "read": {"Project": len(projects), "Shot": len(shots)},
                "projects": [project["name"] for project in projects],
                "note": note["id"],
                "created_by": written["created_by"],
            }
        )
    )


def get_session(argument):
    try:
        if argument == "ask":
            return sg_session.get_session(interactive=True)
        return sg_session.get_session(timeout=float(argument) if argument else None)
    except sg_session.SgSessionError as error:
        print(json.dumps({"error": {"code": error.code, "message": str(error), "advice": error.advice}}))
        sys.exit(1)


def connect(session):
    place, _why_not = clients.find_real("shotgun_api3")
    if place:
        sys.path.insert(0, place)
        import shotgun_api3

        return shotgun_api3.Shotgun(session.api_url, session_token=session.session_token, ca_certs=os.environ.get("SG_CA"))
    return JsonRpc(session)


class JsonRpc(object):
    """The three calls above as shotgun_api3 sends them."""

    def __init__(self, session):
        self._url = session.api_url + "/api3/json"
        self._auth = {"session_token": session.session_token, "reject_if_expired": True}
        self._context = ssl.create_default_context(cafile=os.environ.get("SG_CA"))

    def find(self, kind, filters, fields):
        conditions = [{"path": path, "relation": relation, "values": values} for path, relation, *values in filters]
        params = {
            "type": kind,
            "return_fields": ["id"] + fields,
            "filters": {"logical_operator": "and", "conditions": conditions},
            "return_only": "active",
            "paging": {"entities_per_page": 500, "current_page": 1},
            "return_paging_info": True,
            "api_return_image_urls": True,
        }
        return self._call("read", params)["entities"]

    def find_one(self, kind, filters, fields):
        return (self.find(kind, filters, fields) or [None])[0]

    def create(self, kind, data):
        fields = [{"field_name": name, "value": value} for name, value in data.items()]
        return self._call("create", {"type": kind, "fields": fields, "return_fields": ["id"] + list(data)})

    def _call(self, method, params):
        body = json.dumps({"method_name": method, "params": [self._auth, params]}).encode("utf-8")
        request = urllib.request.Request(self._url, body, {"content-type": "application/json; charset=utf-8"})
        with urllib.request.urlopen(request, timeout=30, context=self._context) as response:
            answer = json.loads(response.read().decode("utf-8"))
        if isinstance(answer, dict) and answer.get("exception"):
            raise RuntimeError(answer["message"])
        return answer["results"]


if __name__ == "__main__":
    main()
