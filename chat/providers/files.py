"""A file as models get it: its text between two lines that name it."""

from chat.providers.base import File


def file_as_text(file: File) -> str:
    return f"[Start of the file {file.name}]\n{file.text}\n[End of the file {file.name}]"
