"""The settings of the project."""

from __future__ import annotations

from typing import Any

SECRET_KEY = "of a project that only tests see"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
SESSION_ENGINE = "django.contrib.sessions.backends.cache"

_BACKEND = "nearcache.django.NearCache"
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": _BACKEND, "LOCATION": "django", "OPTIONS": {"size": "8MiB", "mode": 0o600}},
    "versioned": {"BACKEND": _BACKEND, "LOCATION": "django", "OPTIONS": {"size": "8MiB", "mode": 0o600}, "VERSION": 2},
    "prefixed": {
        "BACKEND": _BACKEND,
        "LOCATION": "django",
        "OPTIONS": {"size": "8MiB", "mode": 0o600},
        "KEY_PREFIX": "prefix",
    },
    "private": {
        "BACKEND": _BACKEND,
        "OPTIONS": {"size": "8MiB", "manual_clock": True, "MAX_ENTRIES": 5},
        "TIMEOUT": 60,
    },
    "portable": {"BACKEND": _BACKEND, "OPTIONS": {"size": "8MiB", "serde": "portable"}, "TIMEOUT": None},
    "locmem": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "wrong": {"BACKEND": _BACKEND, "OPTIONS": {"sizes": "8MiB"}},
}
