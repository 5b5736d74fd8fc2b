"""pylibmc with SASL PLAIN: `client_sasl.py ADDRESS USER PASSWORD`. Says what became of it in one line: `served`, or the
name of the error. A process of its own, because libsasl reads SASL_PATH when pylibmc is first imported."""

import sys

import pylibmc

address, user, password = sys.argv[1:]
client = pylibmc.Client([address], binary=True, username=user or None, password=password or None)
try:
    client.set("key", "value")
except pylibmc.Error as error:
    print(type(error).__name__, error)
    sys.exit()
assert client.get("key") == "value"
assert client.set_multi({f"key{number}": number for number in range(100)}) == []
assert client.get_multi([f"key{number}" for number in range(100)])["key99"] == 99
client.set("number", 1)
assert client.incr("number", 9) == 10
client.set("large", b"x" * 1_000_000)
assert client.get("large") == b"x" * 1_000_000
print("served")
