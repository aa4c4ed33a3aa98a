"""The entrance of the status page: asks for the key with a form, and routes admitted requests to the page."""

from __future__ import annotations

import http.client
import logging
from html import escape
from typing import Any
from urllib.parse import urlsplit

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from thywill.errors import RequestError
from thywill.monitoring.gate import Gate, Requester
from thywill.wire.handlers import allow
from thywill.wire.origins import Origins

log = logging.getLogger(__name__)

PREFIX = "/thywill"
PAGE = rf"{PREFIX}/status/?"
FILES = rf"{PREFIX}/static/.*"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

FORM = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>thywill: status</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}static/0/thywill/look.css">
<link rel="stylesheet" href="{base}static/0/status/status.css">
</head>
<body>
<div class="door" role="main">
<h1>Status</h1>
{content}
</div>
</body>
</html>
"""
ASKING = """<form method="post" action="{base}status/">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
{problem}
<button class="strong" type="submit">Look</button>
</form>
<p class="soft">The key is <code>key</code> in <code>[monitoring]</code> of the settings.</p>"""
REFUSED = '<p class="problem" role="alert">{}</p>'


class StatusRouter(Router):
    """Routes requests below ``/thywill`` to the site of the status page, or to the form.

    Args:
        gate: decides who may see the page.
        site: the pages and files of the status page; it gets their paths without ``/thywill``.
    """

    def __init__(self, gate: Gate, site: Application) -> None:
        self._gate = gate
        self._site = site
        form = [(".*", KeyHandler, {"gate": gate})]
        self._form = Application(form, compress_response=True, log_function=lambda handler: None)

    def rules(self) -> list[Any]:
        """Return the rules for the ``tornado.web.Application`` of the server."""
        return [(PAGE, self), (FILES, self)]

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        is_page = "/static/" not in request.path
        if is_page and (request.method == "POST" or not self._is_admitted(request)):
            return self._form.find_handler(request, **kwargs)
        request.path = request.path.removeprefix(PREFIX)
        return self._site.find_handler(request, **kwargs)

    def _is_admitted(self, request: HTTPServerRequest) -> bool:
        try:
            self._gate.check(visitor_of(request))
        except RequestError:
            return False
        return True


class KeyHandler(RequestHandler):
    """Shows the form, and handles the key that it sends."""

    def initialize(self, gate: Gate) -> None:
        self.gate = gate

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Security-Policy", POLICY)

    def compute_etag(self) -> str | None:
        return None

    def get(self) -> None:
        if self.gate.has_key:
            self._ask_for_key(401)
        else:
            self._refuse()

    head = get

    def post(self) -> None:
        if not self.gate.has_key:
            self._refuse()
        elif is_cross_site(self.request):
            log.warning(
                "refused the form of the status page, sent by a page of another site in the browser at %s",
                self.request.remote_ip,
            )
            self.set_status(403)
            self._write(REFUSED.format("A page of another site has sent this form, so nothing was done."))
        elif self.get_body_argument("leave", ""):
            self._go(self.gate.no_cookie())
        else:
            self._take(self.get_body_argument("key", "", strip=True))

    def _take(self, key: str) -> None:
        try:
            self.gate.check_key(key.encode(), visitor_of(self.request))
        except RequestError as error:
            log.warning("a key for the status page from %s refused: %d", self.request.remote_ip, error.status)
            for name, value in error.details().items():
                self.set_header("Retry-After" if name == "retry" else name, str(max(1, round(value))))
            self._ask_for_key(error.status, str(error))
        else:
            self._go(self.gate.cookie(secure=self.request.protocol == "https"))

    def _go(self, cookie: str) -> None:
        self.set_header("Set-Cookie", cookie)
        self.redirect(f"{self._base()}status/", status=303)

    def _ask_for_key(self, status: int, reason: str = "") -> None:
        self.set_status(status, http.client.responses[status])
        if status == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        problem = REFUSED.format(escape(_sentence(reason))) if reason else ""
        self._write(ASKING.format(base=self._base(), problem=problem))

    def _refuse(self) -> None:
        self.set_status(403)
        reason = "Only visitors on this machine may see this page, since the settings have no key."
        self._write(
            REFUSED.format(reason) + '<p class="soft">Set <code>key</code> in <code>[monitoring]</code>.</p>'
        )

    def _write(self, content: str) -> None:
        self.finish(FORM.format(base=self._base(), content=content))

    def _base(self) -> str:
        # Addresses are relative, so that a proxy may serve everything below some path.
        return "../" if self.request.path.endswith("/") else ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        allow(self, status_code)
        self._write(REFUSED.format(f"{status_code}: {escape(self._reason)}"))


def is_cross_site(request: HTTPServerRequest) -> bool:
    """Return whether a page of another site has sent a form, as far as the browser says.

    Such a page could log a visitor in or out. The cookie's SameSite does not prevent that, because browsers
    store the cookies of the answer. Recent browsers send Sec-Fetch-Site, older ones Origin or Referer.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    page = request.headers.get("Origin") or request.headers.get("Referer", "")
    if not page:
        return False
    parts = urlsplit(page)
    return not Origins([]).is_own(f"{parts.scheme}://{parts.netloc}", request.host.encode("latin-1"))


def visitor_of(request: HTTPServerRequest) -> Requester:
    """Return the sender of ``request``."""
    headers = request.headers
    return Requester(
        peer=request.remote_ip or "",
        host=headers.get("Host", ""),
        forwarded=headers.get("X-Forwarded-For", ""),
        authorization=headers.get("Authorization", ""),
        cookies=headers.get("Cookie", ""),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
