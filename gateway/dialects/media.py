"""Media that a dialect, or a model, cannot be shown."""

from __future__ import annotations

from gateway.conversation import Media


def describe_media(media: Media) -> str:
    """What stands in the place of a medium that cannot be shown."""
    told = [media.media_type or "of unknown type", *([media.name] if media.name else [])]
    if media.url and not media.url.startswith("data:"):
        told.append(media.url)
    return f"[{media.kind}: {', '.join(told)}; not shown]"
