"""The pages of the project."""

from __future__ import annotations

import itertools

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page

_made = itertools.count(1)


def visit(request: HttpRequest) -> HttpResponse:
    """Counts a visitor's visits in his session."""
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


@cache_page(60)
def page(request: HttpRequest) -> HttpResponse:
    """Says how many times it was made."""
    return HttpResponse(str(next(_made)))


def leave(request: HttpRequest) -> HttpResponse:
    """Ends the session."""
    request.session.flush()
    return HttpResponse("gone")


urlpatterns = [path("visit", visit), path("page", page), path("leave", leave)]
