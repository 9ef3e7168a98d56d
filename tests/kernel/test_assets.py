"""Static files: one version in every address, kept for a year, compressed once, never outside their folder."""

import gzip
from pathlib import Path

import pytest
from flask import Flask

from chat.kernel.assets import Assets, serve_assets
from chat.kernel.headers import send_headers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "css").mkdir(parents=True)
    (static / "js").mkdir()
    (static / "css" / "bundle.txt").write_text("b.css\na.css\n", encoding="utf-8")
    (static / "css" / "a.css").write_text("a { color: red }\n" * 60, encoding="utf-8")
    (static / "css" / "b.css").write_text("b { color: red }\n" * 60, encoding="utf-8")
    (static / "js" / "main.js").write_text("import './x.js'\n", encoding="utf-8")
    (tmp_path / "secret.key").write_text("secret", encoding="utf-8")
    return static


@pytest.fixture
def bare(folder: Path) -> Flask:
    app = Flask("bare", static_folder=None)
    send_headers(app)
    serve_assets(app, folder)
    return app


def test_the_version_changes_with_any_byte_of_any_file(folder: Path) -> None:
    before = Assets(folder).version

    (folder / "js" / "main.js").write_text("import './y.js'\n", encoding="utf-8")

    assert Assets(folder).version != before


def test_the_version_changes_with_a_name(folder: Path) -> None:
    before = Assets(folder).version

    (folder / "js" / "main.js").rename(folder / "js" / "other.js")

    assert Assets(folder).version != before


def test_the_current_version_is_kept_for_a_year(bare: Flask, folder: Path) -> None:
    response = bare.test_client().get(f"/static/{Assets(folder).version}/js/main.js")

    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.mimetype == "text/javascript"


def test_an_old_version_is_answered_but_not_kept(bare: Flask) -> None:
    response = bare.test_client().get("/static/0ld/js/main.js")

    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


def test_style_sheets_come_as_one_in_their_order(bare: Flask) -> None:
    text = bare.test_client().get("/static/x/css/bundle.css").text

    assert text.index("b {") < text.index("a {")


def test_text_is_compressed_for_who_takes_it(bare: Flask) -> None:
    plain = bare.test_client().get("/static/x/css/bundle.css")
    squeezed = bare.test_client().get("/static/x/css/bundle.css", headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in plain.headers
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == plain.data
    assert squeezed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_a_refusal_of_gzip_is_respected(bare: Flask) -> None:
    response = bare.test_client().get("/static/x/css/bundle.css", headers={"Accept-Encoding": "gzip;q=0, br"})

    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize(
    "name", ["../secret.key", "css/../../secret.key", "%2e%2e/secret.key", "/etc/passwd", "css", "nothing.js", "css%00"]
)
def test_nothing_outside_the_folder_is_served(bare: Flask, name: str) -> None:
    assert bare.test_client().get(f"/static/x/{name}").status_code in (404, 308)


def test_every_sheet_is_in_the_bundle_once() -> None:
    from chat.kernel.settings import ROOT

    css = ROOT / "static" / "css"
    listed = (css / "bundle.txt").read_text(encoding="utf-8").split()

    assert sorted(listed) == sorted(path.relative_to(css).as_posix() for path in css.rglob("*.css"))
