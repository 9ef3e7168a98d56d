"""Static files under one version: `/static/<version>/…` never changes, so a browser keeps it for a year.

The version stands in the path, not in a query: ES modules import each other by relative paths, and those inherit it. The
style sheets are served as one file, in the order of static/css/bundle.txt. Text is compressed once and kept in memory;
pages are not compressed at all, since a compressed page with a secret in it can be measured from outside (BREACH).
"""

import gzip
import hashlib
import mimetypes
from functools import cached_property
from pathlib import Path

from flask import Flask, Response, abort, current_app, request

from chat.kernel.access import public

BUNDLE = "css/bundle.css"
_EXTENSION = "candor_assets"
_COMPRESSIBLE = (".css", ".js", ".svg", ".txt", ".json", ".webmanifest")
_SHORTEST_WORTH_IT = 512


class Assets:
    """The files of one folder: found, bundled and compressed once a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._kept: dict[str, tuple[bytes, bytes | None, str]] = {}

    @cached_property
    def version(self) -> str:
        """A hash over every file, so that any change of any file changes every address."""
        digest = hashlib.sha256()
        for path in sorted(one for one in self.folder.rglob("*") if one.is_file()):
            digest.update(path.relative_to(self.folder).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()[:12]

    def find(self, name: str) -> tuple[bytes, bytes | None, str] | None:
        """Return plain bytes, gzipped bytes or None, and the media type; None if there is no such file."""
        if name not in self._kept:
            data = self._bundle() if name == BUNDLE else self._read(name)
            if data is None:
                return None
            squeezed = None
            if name.endswith(_COMPRESSIBLE) and len(data) > _SHORTEST_WORTH_IT:
                squeezed = gzip.compress(data, 9, mtime=0)
            self._kept[name] = (data, squeezed, mimetypes.guess_type(name)[0] or "application/octet-stream")
        return self._kept[name]

    def _bundle(self) -> bytes:
        names = (self.folder / "css" / "bundle.txt").read_text(encoding="utf-8").split()
        return b"\n".join((self.folder / "css" / name).read_bytes() for name in names)

    def _read(self, name: str) -> bytes | None:
        try:
            path = (self.folder / name).resolve()
        except ValueError:
            return None  # a NUL in the address
        if not path.is_relative_to(self.folder) or not path.is_file():
            return None
        return path.read_bytes()


def serve_assets(app: Flask, folder: Path) -> None:
    """Serve `folder`, and give templates `asset('js/main.js')`. In debug mode files are read anew for each page."""
    app.extensions[_EXTENSION] = Assets(folder)
    app.add_url_rule("/static/<version>/<path:filename>", "static", _static)
    app.jinja_env.globals["asset"] = _asset


def _asset(name: str) -> str:
    if current_app.debug:
        current_app.extensions[_EXTENSION] = Assets(_assets().folder)
    return f"/static/{_assets().version}/{name}"


@public
def _static(version: str, filename: str) -> Response:
    found = _assets().find(filename)
    if found is None:
        abort(404)
    plain, squeezed, media_type = found
    response = Response(plain, mimetype=media_type)
    if squeezed is not None and request.accept_encodings.quality("gzip") > 0:
        response = Response(squeezed, mimetype=media_type, headers={"Content-Encoding": "gzip"})
    response.headers["Vary"] = "Accept-Encoding"
    is_current = version == _assets().version
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-cache"
    return response


def _assets() -> Assets:
    assets: Assets = current_app.extensions[_EXTENSION]
    return assets
