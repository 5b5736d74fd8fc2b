"""Judges a built sdist and the wheels of a checkout and of that sdist: tags, metadata, types, licences, and nothing missing.

dist_check.py SDIST WHEEL_OF_THE_CHECKOUT WHEEL_OF_THE_SDIST
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_sdist_filename, parse_wheel_filename

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "bindings/python/python"
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"]
# Of these every version since has them: what a wheel may need of the system.
LIBRARIES = {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def main() -> None:
    sdist, first, second = map(Path, sys.argv[1:])
    check_sdist(sdist)
    files = [check_wheel(wheel) for wheel in (first, second)]
    assert files[0] == files[1], f"the sdist's wheel is another: {files[0] ^ files[1]}"
    assert first.name == second.name


def check_metadata(text: bytes, version: str) -> Metadata:
    """What an index asks of it, and what this project promises."""
    metadata = Metadata.from_email(text, validate=True)
    assert metadata.name == "nearcache" and str(metadata.version) == version
    assert metadata.summary and "\n" not in metadata.summary and len(metadata.summary) <= 512
    assert str(metadata.license_expression) == "MIT OR Apache-2.0"
    assert sorted(metadata.license_files or []) == LICENCES
    assert metadata.requires_python == SpecifierSet(">=3.9")
    assert (metadata.description_content_type or "").startswith("text/markdown")
    description = metadata.description or ""
    assert description.strip() == (ROOT / "bindings/python/README.md").read_text().strip()
    # An index takes no `License ::` beside a licence expression.
    assert not [name for name in metadata.classifiers or [] if name.startswith("License ::")]
    assert not metadata.requires_dist, "it needs nothing but the interpreter"
    return metadata


def check_sdist(path: Path) -> None:
    name, version = parse_sdist_filename(path.name)
    assert name == "nearcache"
    top = f"nearcache-{version}"
    with tarfile.open(path) as archive:
        members = {member.name: member for member in archive.getmembers()}
        strange = [m.name for m in members.values() if not (m.isfile() or m.isdir()) or not m.name.startswith(f"{top}/")]
        assert not strange, f"neither files nor in the folder: {strange}"

        def read(file: str) -> bytes:
            found = archive.extractfile(members[f"{top}/{file}"])
            assert found is not None
            return found.read()

        check_metadata(read("PKG-INFO"), str(version))
        for licence in LICENCES:
            assert read(licence) == (ROOT / licence).read_bytes(), licence
        for file in ("pyproject.toml", "Cargo.toml", "Cargo.lock", "core/Cargo.toml", "store/Cargo.toml", "bindings/python/Cargo.toml"):
            assert f"{top}/{file}" in members, file
        for folder in ("core/src", "store/src", "bindings/python/src"):
            for source in sorted((ROOT / folder).rglob("*")):
                if source.is_file():
                    assert read(str(source.relative_to(ROOT))) == source.read_bytes(), source
    assert not [name for name in members if re.search(r"\.(so|pyc)$|/target/|/\.git", name)]


def check_wheel(path: Path) -> set[str]:
    """The names of its files."""
    name, version, _, tags = parse_wheel_filename(path.name)
    assert name == "nearcache"
    assert {(tag.interpreter, tag.abi) for tag in tags} == {("cp311", "abi3")}, path.name
    info = f"nearcache-{version}.dist-info"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        check_record(archive, f"{info}/RECORD")
        check_metadata(archive.read(f"{info}/METADATA"), str(version))
        told = archive.read(f"{info}/WHEEL").decode()
        assert sorted(re.findall(r"^Tag: (.*)$", told, re.M)) == sorted(map(str, tags))
        assert "Root-Is-Purelib: false" in told
        for licence in LICENCES:
            assert archive.read(f"{info}/licenses/{licence}") == (ROOT / licence).read_bytes(), licence
        entries = ConfigParser()
        entries.read_string(archive.read(f"{info}/entry_points.txt").decode())
        assert dict(entries["dogpile.cache"]) == {"nearcache": "nearcache.dogpile:NearCacheBackend"}
        sources = {str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*") if file.suffix in (".py", ".pyi", ".typed")}
        package = {name for name in names if not name.startswith(f"{info}/")}
        assert {"nearcache/py.typed", "nearcache/_native.pyi"} <= sources
        assert package == sources | {"nearcache/_native.abi3.so"}, package ^ (sources | {"nearcache/_native.abi3.so"})
        for file in sources:
            assert archive.read(file) == (PACKAGE / file).read_bytes(), file
        check_library(archive.read("nearcache/_native.abi3.so"))
    return set(names)


def check_record(archive: zipfile.ZipFile, record: str) -> None:
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
    assert set(rows) == set(archive.namelist())
    assert rows.pop(record) == ["", ""]
    for name, (digest, size) in rows.items():
        data = archive.read(name)
        made = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={made}", str(len(data))), name


def check_library(data: bytes) -> None:
    """No library is needed but the system's own, and libpython least of all."""
    needed = {name.decode() for name in re.findall(rb"\0((?:lib|ld-)[\w.+-]+\.so[.\d]*)(?=\0)", data)}
    assert needed and needed <= LIBRARIES, needed
    assert b"PyInit__native" in data


if __name__ == "__main__":
    main()
