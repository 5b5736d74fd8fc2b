"""nearcached as PHP's memcached extension sees it: runs client.php over TCP and a unix socket, in text and in binary."""

import pathlib
import shutil
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).with_name("client.php")


def run_php(host, port, *arguments):
    php = shutil.which("php8.2") or shutil.which("php")
    assert php, "no php: install php8.2-cli and php8.2-memcached"
    command = [php, str(SCRIPT), host, str(port), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr or done.stdout


@pytest.mark.parametrize("protocol", ["text", "binary"])
def test_php_memcached(server, protocol):
    host, port = server if isinstance(server, tuple) else (server, 0)
    run_php(host, port, protocol)
