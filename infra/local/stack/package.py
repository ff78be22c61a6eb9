"""From binaries to what a function's `CodeUri` points at."""

import hashlib
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

from .aws import client
from .errors import StackError
from .settings import Settings

BUCKET = "artefacts"


def require(settings: Settings, names: list[str]) -> None:
    """Refuses to go on while a binary is missing."""
    missing = [name for name in names if not (settings.binaries / name).is_file()]
    if missing:
        flag = " --release" if settings.profile == "release" else ""
        raise StackError(
            f"no binary in {settings.binaries} for: {', '.join(missing)}",
            f"build them: cargo build --bins{flag}",
        )


def upload(settings: Settings, template: dict[str, Any], functions: dict[str, str]) -> None:
    """Uploads every function and lets the template point at the uploads."""
    s3 = client(settings, "s3")
    s3.create_bucket(Bucket=BUCKET)
    for name, logical_id in functions.items():
        archive = _archive(settings, name)
        key = f"{name}/{hashlib.sha256(archive).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        template["Resources"][logical_id]["Properties"]["CodeUri"] = f"s3://{BUCKET}/{key}"


def _archive(settings: Settings, name: str) -> bytes:
    """The deployment package of a function.

    A release binary travels as it does to AWS. The debug ones are seven times as large, and two
    dozen of them through S3 into the emulator's memory cost more time and memory than all the rest
    of the start, so their package holds two lines that start the binary where it lies.
    """
    binary = settings.binaries / name
    if settings.profile == "release":
        return _zip(binary.read_bytes())
    kept = _keep(binary, settings.state / "functions")
    return _zip(f'#!/bin/sh\nexec "{kept}"\n'.encode())


def _keep(binary: Path, folder: Path) -> Path:
    """A name for this very binary that the next `cargo build` does not change.

    A hard link costs nothing, and cargo replaces a binary instead of writing into it.
    """
    facts = binary.stat()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{binary.name}-{facts.st_mtime_ns:x}-{facts.st_size:x}"
    if not kept.exists():
        try:
            kept.hardlink_to(binary)
        except OSError:
            shutil.copy2(binary, kept)  # Another file system.
    return kept


def forget_old_binaries(settings: Settings, functions: dict[str, str]) -> None:
    """Lets go of binaries that were built again since; call it when nothing can start them."""
    folder = settings.state / "functions"
    current = {_keep(settings.binaries / name, folder) for name in functions}
    for kept in folder.iterdir():
        if kept not in current:
            kept.unlink()


def _zip(bootstrap: bytes) -> bytes:
    packed = io.BytesIO()
    entry = zipfile.ZipInfo("bootstrap")  # The date stays 1980, so the same binary is the same zip.
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, bootstrap)
    return packed.getvalue()
