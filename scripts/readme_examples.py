"""Runs the documents' examples as a user would, and compares what they print with what the documents say they print.

    readme_examples.py PREFIX PHP PHP_EXTENSION

PREFIX is where the C library, nearcached and nearcache are installed. Each fenced block in a language below is one example; the
fenced `text` block behind it is what it prints.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "readme"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = ("README.md", "bindings/php/STORE.md")
LANGUAGES = ("rust", "c", "cpp", "python", "php", "bash")
CARGO_TOML = """\
[package]
name = "readme"
version = "0.0.0"
edition = "2024"

[dependencies]
nearcache = {{ path = "{core}" }}

[workspace]
"""


def run(command: list, **options) -> str:
    """The command's standard output; a sentence if it fails."""
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=600, **options)
    if result.returncode != 0:
        raise SystemExit(f"error: {' '.join(map(str, command))} ended with status {result.returncode}: {result.stdout}")
    return result.stdout


def run_rust(source: str) -> str:
    """As a crate of its own that depends on the core."""
    crate = WORK / "rust"
    (crate / "src").mkdir(parents=True, exist_ok=True)
    (crate / "Cargo.toml").write_text(CARGO_TOML.format(core=ROOT / "core"))
    (crate / "src" / "main.rs").write_text(source)
    # The workspace's lock file, so that the example is built with the versions that are tested.
    shutil.copyfile(ROOT / "Cargo.lock", crate / "Cargo.lock")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORK / "rust-target")}
    return run(["cargo", "run", "--quiet", "--manifest-path", crate / "Cargo.toml"], env=environment)


def run_compiled(source: str, prefix: Path, compiler: list, suffix: str) -> str:
    """Compiled and linked through pkg-config, warnings being errors."""
    file, program = WORK / f"example{suffix}", WORK / f"example-{suffix[1:]}"
    file.write_text(source)
    paths = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    flags = run(["pkg-config", "--cflags", "--libs", "nearcache"], env=paths).split()
    rpath = f"-Wl,-rpath,{prefix / 'lib'}"
    run([*compiler, "-Wall", "-Wextra", "-Werror", "-o", program, file, *flags, rpath])
    return run([program])


@contextmanager
def daemon(prefix: Path):
    """nearcached on a port of the system's choice."""
    ports = WORK / "ports"
    ports.unlink(missing_ok=True)
    command = [prefix / "bin" / "nearcached", "-l", "127.0.0.1", "-p", "-1", "-U", "0", "-m", "64"]
    if os.getuid() == 0:
        command += ["-u", "root"]
    environment = {**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)}
    log = WORK / "nearcached.log"
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        try:
            yield listening_port(process, ports, log)
        finally:
            process.terminate()


def listening_port(process: subprocess.Popen, ports: Path, log: Path) -> int:
    """Waits until the daemon has written its port and answers on it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"^TCP INET: (\d+)$", ports.read_text(), re.MULTILINE) if ports.exists() else None
        if found:
            with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10):
                return int(found[1])
        time.sleep(0.01)
    raise SystemExit(f"error: nearcached does not listen; it wrote: {log.read_text()}")


def run_example(language: str, source: str, prefix: Path, php: list, here: str) -> str:
    """What the example prints; those of a document share a directory."""
    if language == "rust":
        return run_rust(source)
    if language == "c":
        return run_compiled(source, prefix, ["cc", "-std=c99", "-pedantic"], ".c")
    if language == "cpp":
        return run_compiled(source, prefix, ["c++", "-std=c++17", "-pedantic"], ".cpp")
    if language == "python":
        return run([sys.executable, "-c", source], cwd=here)
    if language == "php":
        file = WORK / "example.php"
        file.write_text(source)
        return run([*php, file], cwd=here)
    with daemon(prefix) as port:
        # The README names memcached's usual port, which may be taken here.
        return run(["bash", "-c", source.replace("11211", str(port))], cwd=here)


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit("usage: readme_examples.py PREFIX PHP PHP_EXTENSION")
    prefix, php = Path(sys.argv[1]).resolve(), [sys.argv[2], "-d", f"extension={sys.argv[3]}"]
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = f"{prefix / 'bin'}:{os.environ['PATH']}"
    # The examples share a cache with one another, and not with the user's.
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="nearcache-readme.") as caches:
        os.environ["NEARCACHE_DIR"] = caches
        run_all(prefix, php)


def run_all(prefix: Path, php: list) -> None:
    missing, wrong = set(LANGUAGES), []
    for document in DOCUMENTS:
        with tempfile.TemporaryDirectory(prefix="nearcache-readme.") as here:
            for language, source, expected in BLOCK.findall((ROOT / document).read_text()):
                if language not in LANGUAGES:
                    continue
                missing.discard(language)
                printed = run_example(language, source, prefix, php, here).replace("\r\n", "\n")
                print(f"{document}, {language}: {'as written' if printed == expected else 'differs'}", flush=True)
                if printed != expected:
                    wrong.append(f"{language} prints {printed!r} and {document} says {expected!r}")
    wrong += [f"the README has no example in {language}" for language in sorted(missing)]
    if wrong:
        raise SystemExit("error: " + "\nerror: ".join(wrong))


if __name__ == "__main__":
    main()
