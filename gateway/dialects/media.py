"""Media in URLs, and such as a dialect, or a model, cannot be shown."""

from __future__ import annotations

from gateway.conversation import Media

_BASE64 = ";base64"


def describe_media(media: Media) -> str:
    """What stands in the place of a medium that cannot be shown."""
    told = [media.media_type or "of unknown type", *([media.name] if media.name else [])]
    if media.url and not media.url.startswith("data:"):
        told.append(media.url)
    return f"[{media.kind}: {', '.join(told)}; not shown]"


def split_data_url(url: str) -> tuple[str | None, str | None]:
    """The media type and the base64 text of a `data:` URL; of any other, nothing."""
    if not url.startswith("data:"):
        return None, None
    head, _, data = url[5:].partition(",")
    if not head.endswith(_BASE64):
        return None, None
    return head.removesuffix(_BASE64) or None, data
