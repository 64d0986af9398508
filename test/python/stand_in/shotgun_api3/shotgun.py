"""What sg_session and its tests need of shotgun_api3, with its names, order of events and wire. facts: PY §1, §1.9"""

import http.client
import http.cookiejar
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
import uuid


class ShotgunError(Exception):
    pass


class ShotgunFileDownloadError(ShotgunError):
    pass


class Fault(ShotgunError):
    pass


class AuthenticationFault(Fault):
    pass


class ProtocolError(Exception):
    def __init__(self, url, errcode, errmsg):
        super().__init__(url, errcode, errmsg)
        self.errcode = errcode
        self.headers = {}


class _Config(object):
    def __init__(self):
        self.timeout_secs = None
        self.user_login = self.user_password = self.script_name = self.api_key = None
        self.session_token = self.sudo_as_login = None
        self.scheme = self.server = self.api_path = None

    def set_server_params(self, base_url):
        parts = urllib.parse.urlsplit(base_url)
        self.scheme, self.server, self.api_path = parts.scheme, parts.netloc, "/api3/json"


class _ServerCapabilities(object):
    def __init__(self, host, info):
        self.host = host
        self.server_info = info
        self.version = tuple(info["version"][:3])


class Shotgun(object):
    def __init__(
        self,
        base_url,
        script_name=None,
        api_key=None,
        convert_datetimes_to_utc=True,
        http_proxy=None,
        connect=True,
        ca_certs=None,
        login=None,
        password=None,
        sudo_as_login=None,
        session_token=None,
        auth_token=None,
    ):
        self.config = _Config()
        self.config.script_name, self.config.api_key = script_name, api_key
        self.config.user_login, self.config.user_password = login, password
        self.config.session_token, self.config.sudo_as_login = session_token, sudo_as_login
        self.base_url = base_url.lower()
        self.config.set_server_params(self.base_url)
        self.__ca_certs = ca_certs or os.environ.get("SHOTGUN_API_CACERTS")
        self._server_caps = None
        self._connection = None
        if connect:
            self.server_caps

    @property
    def server_caps(self):
        if not self._server_caps or self._server_caps.host != self.config.server:
            self._server_caps = _ServerCapabilities(self.config.server, self.info())
        return self._server_caps

    def info(self):
        return self._call_rpc("info", None, include_auth_params=False)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def find(self, entity_type, filters, fields=None, limit=0):
        # A list is the values, and no value.
        given = [(path, relation, values[0] if isinstance(values[0], list) else values) for path, relation, *values in filters]
        conditions = [{"path": path, "relation": relation, "values": values} for path, relation, values in given]
        params = {
            "type": entity_type,
            "return_fields": fields or ["id"],
            "filters": {"logical_operator": "and", "conditions": conditions},
            "return_only": "active",
            "paging": {"entities_per_page": limit or 500, "current_page": 1},
            "api_return_image_urls": self.server_caps.version > (3, 3, 0),
            "return_paging_info_without_counts": False,
        }
        return self._call_rpc("read", params)["entities"]

    def find_one(self, entity_type, filters, fields=None):
        found = self.find(entity_type, filters, fields, limit=1)
        return found[0] if found else None

    def create(self, entity_type, data):
        fields = [{"field_name": name, "value": value} for name, value in data.items()]
        params = {"type": entity_type, "fields": fields, "return_fields": ["id"]}
        return self._call_rpc("create", params, first=True)

    def update(self, entity_type, entity_id, data):
        fields = [{"field_name": name, "value": value} for name, value in data.items()]
        return self._call_rpc("update", {"type": entity_type, "id": entity_id, "fields": fields})

    def schema_entity_read(self):
        return self._call_rpc("schema_entity_read", None)

    def authenticate_human_user(self, user_login, user_password):
        """Reads with login and password for a moment, and puts the session back. facts: PY §1.4"""
        kept = self.config.user_login, self.config.user_password
        self.config.user_login, self.config.user_password = user_login, user_password
        try:
            return self.find_one("HumanUser", [["login", "is", user_login]])
        finally:
            self.config.user_login, self.config.user_password = kept

    def get_session_token(self):
        if not self.config.session_token:
            self.config.session_token = self._call_rpc("get_session_token", None)["session_id"]
        return self.config.session_token

    def upload(self, entity_type, entity_id, path, field_name=None):
        params = {"entity_type": entity_type, "entity_id": entity_id, "display_name": os.path.basename(path)}
        if field_name:
            params["field_name"] = field_name
        with open(path, "rb") as file:
            params["file"] = file
            result = self._send_form(self._url("/upload/upload_file"), params)
        if not result.startswith("1"):
            raise ShotgunError("not uploaded: %s" % result)
        return int(result.split(":", 2)[1].split("\n", 1)[0])

    def download_attachment(self, attachment):
        opener = self._build_opener(self.get_auth_cookie_handler())
        try:
            with opener.open(self._url("/file_serve/attachment/%d" % attachment)) as answer:
                return answer.read()
        except urllib.error.URLError as error:
            raise ShotgunFileDownloadError(str(error))

    def get_auth_cookie_handler(self):
        sid = self.get_session_token()
        jar = http.cookiejar.LWPCookieJar()
        host = self.config.server
        cookie = http.cookiejar.Cookie(
            "0", "_session_id", sid, None, False, host, False, False, "/", True, False, None, True, None, None, {}
        )
        jar.set_cookie(cookie)
        return urllib.request.HTTPCookieProcessor(jar)

    def _call_rpc(self, method, params, include_auth_params=True, first=False):
        call_params = [self._auth_params()] if include_auth_params else []
        if params:
            call_params.append(params)
        body = json.dumps({"method_name": method, "params": call_params}).encode("utf-8")
        status, reason, answer = self._post(body)
        if status >= 300:
            raise ProtocolError(self.config.server, status, reason)
        response = json.loads(answer.decode("utf-8"))
        if isinstance(response, dict) and response.get("exception"):
            kind = AuthenticationFault if response.get("error_code") == 102 else Fault
            raise kind(response.get("message"))
        results = response.get("results", response)
        return results[0] if first and isinstance(results, list) else results

    def _post(self, body):
        """Over one connection that is kept. One that the site has closed meanwhile is opened again."""
        kept = self._connection is not None
        if not kept:
            if self.config.scheme == "https":
                context = ssl.create_default_context(cafile=self.__ca_certs)
                self._connection = http.client.HTTPSConnection(self.config.server, timeout=self.config.timeout_secs, context=context)
            else:
                self._connection = http.client.HTTPConnection(self.config.server, timeout=self.config.timeout_secs)
        try:
            self._connection.request("POST", self.config.api_path, body, {"content-type": "application/json; charset=utf-8"})
            answer = self._connection.getresponse()
            return answer.status, answer.reason, answer.read()
        except (http.client.HTTPException, ConnectionError):
            self.close()
            if not kept:
                raise
        return self._post(body)

    def _auth_params(self):
        config = self.config
        if config.user_login and config.user_password:
            auth = {"user_login": config.user_login, "user_password": config.user_password}
        elif config.script_name and config.api_key:
            auth = {"script_name": config.script_name, "script_key": config.api_key}
        else:
            auth = {"session_token": config.session_token, "reject_if_expired": self.server_caps.version > (5, 4, 3)}
        if config.sudo_as_login:
            auth["sudo_as_login"] = config.sudo_as_login
        return auth

    def _send_form(self, url, params):
        params.update(self._auth_params())
        boundary = uuid.uuid4().hex
        body = b""
        for name, value in params.items():
            head = '--%s\r\nContent-Disposition: form-data; name="%s"' % (boundary, name)
            if hasattr(value, "read"):
                head += '; filename="%s"\r\nContent-Type: application/octet-stream' % os.path.basename(value.name)
                data = value.read()
            else:
                data = str(value).encode("utf-8")
            body += head.encode("utf-8") + b"\r\n\r\n" + data + b"\r\n"
        body += ("--%s--\r\n" % boundary).encode("utf-8")
        request = urllib.request.Request(url, body, {"content-type": "multipart/form-data; boundary=" + boundary})
        try:
            with self._build_opener(None).open(request) as answer:
                return answer.read().decode("utf-8")
        except urllib.error.URLError as error:
            raise ShotgunError("Max attempts limit reached. (%s)" % error)

    def _build_opener(self, handler):
        handlers = [handler] if handler else []
        if self.__ca_certs:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.__ca_certs)))
        return urllib.request.build_opener(*handlers)

    def _url(self, path):
        return "%s://%s%s" % (self.config.scheme, self.config.server, path)
