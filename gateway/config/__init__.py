"""The operator's files: read, checked as a whole, and turned into one immutable `Config`.

`load_config` is the way in. Above: `runtime` makes services of a `Config`, `cli` shows its warnings. Below:
`tool_policies` compiles policy files, `sandbox` says what a stdio server is. Refuses to know: providers, hub, keys
in use.
"""

from gateway.config.addresses import is_loopback
from gateway.config.config import (
    AwsAuth,
    Config,
    GoogleAuth,
    IssuerConfig,
    KeyConfig,
    LimitsConfig,
    Listen,
    LockConfig,
    McpEndpointConfig,
    ModelTarget,
    OAuth2Auth,
    ProviderAuth,
    ProviderConfig,
    ProviderTimeouts,
    StorageConfig,
)
from gateway.config.json_schema import config_schema
from gateway.config.loading import DEFAULT_FILE, load_config
from gateway.config.locks import LOCK_NAME, check_lock
from gateway.config.routing import ConcurrencyConfig, PlanConfig, RoutingConfig, RuleConfig
from gateway.config.server_config import HttpServerConfig, OpenApiServerConfig, ServerConfig, StdioServerConfig
from gateway.config.servers import name_fault

__all__ = [
    "DEFAULT_FILE",
    "LOCK_NAME",
    "AwsAuth",
    "ConcurrencyConfig",
    "Config",
    "GoogleAuth",
    "HttpServerConfig",
    "IssuerConfig",
    "KeyConfig",
    "LimitsConfig",
    "Listen",
    "LockConfig",
    "McpEndpointConfig",
    "ModelTarget",
    "OAuth2Auth",
    "OpenApiServerConfig",
    "PlanConfig",
    "ProviderAuth",
    "ProviderConfig",
    "ProviderTimeouts",
    "RoutingConfig",
    "RuleConfig",
    "ServerConfig",
    "StdioServerConfig",
    "StorageConfig",
    "check_lock",
    "config_schema",
    "is_loopback",
    "load_config",
    "name_fault",
]
