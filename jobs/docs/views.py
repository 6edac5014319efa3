"""The texts for programs, and the same as pages. Nobody has to sign in to read them."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from . import rendering, topics
from .topics import Topic

MARKDOWN = "text/markdown; charset=utf-8"


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    text = "\n".join(topics.llms(_url(request))) + "\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    found = [("Topics", topics.guides())]
    found += [("Simulations", topics.of_simulations())]
    return render(request, "docs/index.html", {"parts": found})


@require_safe
def text(request: HttpRequest, slug: str) -> HttpResponse:
    return _as_text(request, _find(slug))


@require_safe
@vary_on_headers("Accept")
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """Or the text, where that is asked for by name."""
    topic = _find(slug)
    if "text/markdown" in request.headers.get("Accept", ""):
        return _as_text(request, topic)
    return render(
        request,
        "docs/page.html",
        {
            "topic": topic,
            "topics": topics.guides(),
            "simulations": topics.of_simulations(),
            "html": rendering.as_html(_words(request, topic), topic.path),
        },
    )


@require_safe
def drawing(request: HttpRequest, name: str) -> HttpResponse:
    """A figure of the texts."""
    try:
        found = topics.drawing(name)
    except KeyError:
        raise Http404(f"There is no drawing {name} here.") from None
    answer = HttpResponse(found.read_bytes(), content_type="image/svg+xml")
    # It brings its own ink, and is let do nothing else where it is opened by itself.
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


def _find(slug: str) -> Topic:
    try:
        return topics.find(slug)
    except KeyError:
        raise Http404(f"There is no text {slug} here.") from None


def _as_text(request: HttpRequest, topic: Topic) -> HttpResponse:
    return HttpResponse(_words(request, topic), content_type=MARKDOWN)


def _words(request: HttpRequest, topic: Topic) -> str:
    words = topics.text_of(topic.slug)
    return rendering.addressed(words, _url(request), asks_for_key=not settings.LOCAL_MODE)


def _url(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
