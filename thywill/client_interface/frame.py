"""The page for hidden frames: a page of another origin sends its requests through such a frame."""

from __future__ import annotations

import hashlib
from pathlib import Path

from thywill.client_interface.bundle import Bundle
from thywill.client_interface.html import script_safe
from thywill.core.envelope import encode_object
from thywill.wire.origins import Origins

FRAME_FILES = (
    "thywill.js",
    "json.js",
    "transport.js",
    "xhr.js",
    "streaming.js",
    "htmlfile.js",
    "frame.js",
)
"""The files of the frame's script. ``frame.js`` gets orders from the outer page; the others send requests."""

BRIDGE_FILES = ("bridge.js",)
"""The script that the browser client loads when it needs the frame."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="X-UA-Compatible" content="IE=edge">
<title>thywill</title>
</head>
<body>
<script type="application/json" id="thywill-origins">{origins}</script>
<script src="../{script}/frame.js"></script>
</body>
</html>
"""

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors "
)


class Frame:
    """The frame's page. It shows nothing, and takes orders only from pages of allowed origins.

    Args:
        folder: the folder of the browser client.
        origins: decides which pages may use the server.
    """

    def __init__(self, folder: Path, origins: Origins) -> None:
        self.script = Bundle(folder, FRAME_FILES)
        self.bridge = Bridge(folder, self)
        self._origins = origins

    @property
    def is_there(self) -> bool:
        """Whether any other origin is allowed; otherwise there is no frame."""
        return self._origins.any()

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy."""
        return POLICY + " ".join(["'self'", *self._origins.allowed()])

    @property
    def text(self) -> bytes:
        """The HTML of the page."""
        origins = script_safe(encode_object({"origins": self._origins.allowed()}).decode())
        return PAGE.format(origins=origins, script=self.script.version).encode()

    @property
    def version(self) -> str:
        """A hash of the page, which contains the version of its script and the origins."""
        return _hash(self.text)


class Bridge(Bundle):
    """The script in the other origin's page that talks to the frame; it contains the frame's version.

    Args:
        folder: the folder of the browser client.
        frame: the frame.
    """

    def __init__(self, folder: Path, frame: Frame) -> None:
        super().__init__(folder, BRIDGE_FILES)
        self._frame = frame

    @property
    def text(self) -> bytes:
        """The script."""
        return super().text + f"thywill.internal.frameVersion = '{self._frame.version}';\n".encode()

    @property
    def version(self) -> str:
        """A hash of the script."""
        return _hash(self.text)


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:12]
