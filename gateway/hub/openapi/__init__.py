"""An OpenAPI document (3.0, 3.1 or 3.2) as a tool server: each operation becomes one tool.

    file ─ document ─ operations ┬ definitions ─ tools/list
                                 └ requests ─ HTTP ─ answers ─ tools/call

Above: `gateway.hub.transports` opens a peer of it; `toolgate check` and `doctor` read documents to judge them.
Below: the operator's file, and the API over HTTP. Refuses to know: keys, policies, models, MCP's versions.
"""

from gateway.hub.openapi.api import Api, LeftOut, read_api
from gateway.hub.openapi.document import DocumentFault
from gateway.hub.openapi.security import CredentialForm, Held
from gateway.hub.openapi.sent import cookie_names

__all__ = ["Api", "CredentialForm", "DocumentFault", "Held", "LeftOut", "cookie_names", "read_api"]
