"""Taking a copy of one's data in tests, as a person does, and reading it."""

import json
import zipfile
from io import BytesIO
from typing import Any

from tests.browser import Browser


class Archive:
    """A downloaded copy."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.zip = zipfile.ZipFile(BytesIO(data))
        assert self.zip.testzip() is None

    @property
    def names(self) -> list[str]:
        return self.zip.namelist()

    def text(self, name: str) -> str:
        return self.zip.read(name).decode()

    def json(self, name: str) -> Any:
        return json.loads(self.zip.read(name))

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.json(f"data/{table}.json")["rows"]
        return rows

    @property
    def manifest(self) -> Any:
        return self.json("manifest.json")

    def everything(self) -> str:
        return "\n".join([*self.names, *(self.zip.read(name).decode("utf-8", "replace") for name in self.names)])


def download(client: Browser) -> Archive:
    """Take a copy by the page's button."""
    response = client.submit("/settings/data/export", action="/settings/data/export")
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    return Archive(response.get_data())
