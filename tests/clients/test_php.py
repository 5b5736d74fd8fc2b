"""nearcached as PHP's memcached extension sees it: runs client.php against TCP and a unix socket."""

import pathlib
import shutil
import subprocess

SCRIPT = pathlib.Path(__file__).with_name("client.php")


def test_php_memcached(server):
    php = shutil.which("php8.2") or shutil.which("php")
    assert php, "no php: install php8.2-cli and php8.2-memcached"
    host, port = server if isinstance(server, tuple) else (server, 0)
    done = subprocess.run([php, str(SCRIPT), host, str(port)], capture_output=True, text=True, timeout=120)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr or done.stdout
