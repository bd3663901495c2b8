"""The time in any time zone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field


def current_time(
    timezone: Annotated[str, Field(description="IANA time zone, such as Europe/Berlin", max_length=100)] = "UTC",
) -> str:
    """Tell the current date and time in a time zone, in ISO 8601."""
    try:
        zone = ZoneInfo(timezone)
    # A name that is a folder of the time zone data, or climbs out of it, is refused in other ways.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(f"unknown time zone: {timezone!r}") from None
    now = datetime.now(zone)
    return f"{now.isoformat(timespec='seconds')} ({now:%A}, {timezone})"
