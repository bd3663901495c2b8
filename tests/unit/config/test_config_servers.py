"""`mcpServers`, whose form is that of the clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import Config, HttpServerConfig, OpenApiServerConfig, StdioServerConfig, load_config
from gateway.config.server_config import Password
from sandbox.spec import Limits, Mount, StdioServer
from tests.unit.config.folders import Folder

# Each text is what stands beneath the server `s`, on line 4. Then: the field, a part of the message, of the hint.
MISTAKES = [
    ("{}", None, "needs a command or a URL", "command: ..."),
    ("", None, "must be a mapping", "name: value"),
    ("{command: x, url: 'http://h/'}", "command", "not both", "one of them"),
    ("{comand: npx}", "comand", "no such setting", "did you mean command?"),
    ("{command: ''}", "command", "must not be empty", None),
    ('{command: "a\\0b"}', "command", "NUL", None),
    ("{command: x, args: y}", "args", "must be a list", "[a, b]"),
    ("{command: x, args: [-p, 80]}", "args[1]", "must be a string", "put it in quotes"),
    ('{command: x, args: ["a\\0b"]}', "args", "NUL", None),
    ("{command: x, env: {A: 1}}", "env.A", "must be a string", "put it in quotes"),
    ("{command: x, env: {'A=B': c}}", "env", "a variable's name", None),
    ("{command: x, envFile: nope.env}", "envFile", "there is no such file", None),
    ("{command: x, type: http}", "type", "not that of a server with a command", "remove it"),
    ("{url: 'http://h/', type: stdio}", "type", "not that of a server with a url", "remove it"),
    ("{url: 'http://h/', type: carrier-pigeon}", "type", "must be stdio, http or sse", "remove it"),
    ("{command: x, type: sse}", "type", "not that of a server with a command", "remove it"),
    ("{url: 'http://h/', type: ws}", "type", "WebSocket", "streamable HTTP"),
    ("{url: 'ws://h/'}", "url", "http or https", "https://host"),
    ("{url: 'http://u:p@h/'}", "url", "user or password", "as a header"),
    ("{url: 'http://h/', httpUrl: 'http://i/'}", "httpUrl", "another URL is given as url", "one of them"),
    ('{url: "http://h/", headers: {A: "b\\nc"}}', "headers.A", "a line end", None),
    ("{url: 'http://h/', headers: {A: 1}}", "headers.A", "must be a string", "quotes"),
    ("{url: 'http://h/', sandbox: {network: open}}", "sandbox", "runs elsewhere", "remove it"),
    ("{command: x, timeout: 0}", "timeout", "must be more than 0", None),
    ("{command: x, timeout: long}", "timeout", "must be a number", None),
    ("{command: x, disabled: perhaps}", "disabled", "must be true or false", None),
    ("{command: x, sandbox: {backend: dokcer}}", "sandbox.backend", "'docker', 'bubblewrap' or 'host'", None),
    ("{command: x, sandbox: {network: host}}", "sandbox.network", "'none' or 'open'", None),
    ("{command: x, sandbox: {workspace: work}}", "sandbox.workspace", "absolute path", None),
    ("{command: x, sandbox: {workspace: /etc}}", "sandbox.workspace", "belongs to the box", "/workspace"),
    ("{command: x, sandbox: {memory: lots}}", "sandbox.memory", "must be a size", "512m"),
    ("{command: x, sandbox: {memory: 4k}}", "sandbox.memory", "at least 16777216", None),
    ("{command: x, sandbox: {cpus: 0}}", "sandbox.cpus", "at least 0.1", None),
    ("{command: x, sandbox: {processes: 1.5}}", "sandbox.processes", "a whole number", None),
    ("{command: x, sandbox: {disc: 1m}}", "sandbox.disc", "no such setting", "did you mean disk?"),
    ("{command: x, sandbox: {volumes: []}}", "sandbox.volumes", "no such setting", "did you mean mounts?"),
    ("{command: x, sandbox: {mounts: [data]}}", "sandbox.mounts[0]", "is not a mount", "HOST:PATH"),
    ("{command: x, sandbox: {mounts: ['.:/data:rx']}}", "sandbox.mounts[0]", "is not a mount", "HOST:PATH"),
    ("{command: x, sandbox: {mounts: ['nope:/data']}}", "sandbox.mounts[0]", "No such file", "of this file"),
    ("{command: x, sandbox: {mounts: ['/etc:/data']}}", "sandbox.mounts[0]", "not given to servers", "folder"),
    ("{command: x, sandbox: {mounts: ['.:/usr/x']}}", "sandbox.mounts[0]", "belongs to the box", "/data"),
    ("{command: x, sandbox: {mounts: ['.:/d', '.:/d/']}}", "sandbox.mounts", "the same place", "its own PATH"),
    ("{openapi: nope.yaml}", "openapi", "there is no file", "of this file"),
    ("{openapi: 'https://h/a.yaml'}", "openapi", "must be a file, not a URL", "download it"),
    ("{openapi: '.'}", "openapi", "there is no file", "of this file"),
    ('{openapi: "a\\0b"}', "openapi", "NUL", None),
    ("{openapi: gateway.yaml, command: x}", "command", "not both", "one of them"),
    ("{openapi: gateway.yaml, type: http}", "type", "not that of a server with an OpenAPI document", "remove it"),
    ("{openapi: gateway.yaml, url: 'ftp://h/'}", "url", "http or https", "https://host"),
    ("{openapi: gateway.yaml, sandbox: {network: open}}", "sandbox", "runs elsewhere", "remove it"),
    ("{openapi: gateway.yaml, operations: {only: [a]}}", "operations.only", "no such setting", "include, exclude"),
    ("{openapi: gateway.yaml, operations: {include: ['']}}", "operations.include[0]", "must not be empty", None),
    ("{openapi: gateway.yaml, auth: {type: oauth}}", "auth", "for one place alone", "give the server a url"),
    ("{openapi: gateway.yaml, url: 'http://h/', auth: {type: oauth}}", "auth", "travel unencrypted", "https"),
    ("{openapi: gateway.yaml, credentials: {k: 'two words'}}", "credentials.k", "holds blanks", "its variable"),
    ("{openapi: gateway.yaml, credentials: {k: {username: a}}}", "credentials.k.password", "is missing", None),
    ("{openapi: gateway.yaml, credentials: {k: 5}}", "credentials.k", "must be a mapping", "lines"),
    ("{url: 'https://h/', credentials: {k: x}}", "credentials", "an OpenAPI document only", "remove it"),
    ("{url: 'http://h/', operations: {include: [a]}}", "operations", "an OpenAPI document only", "remove it"),
    ("{command: x, sandbox: {mounts: ['.:/d'], workspace: /d}}", "sandbox.mounts", "the same place", "its own"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "field", "message", "hint"), MISTAKES, ids=[server for server, *_ in MISTAKES])
def test_a_mistake_is_found_where_it_stands(
    folder: Folder, server: str, field: str | None, message: str, hint: str | None
):
    problems = folder.problems_with(f"mcpServers:\n  s: {server}\n")
    where = f"mcpServers.s.{field}" if field else "mcpServers.s"
    assert [(problem.line, problem.field) for problem in problems] == [(4, where)]
    assert message in problems[0].message
    assert (hint is None) == (problems[0].hint is None)
    assert hint is None or hint in str(problems[0].hint)


@pytest.mark.parametrize("name", ["a/b", "", "My Server", "s" * 65, "ü"])
def test_a_servers_name_can_stand_in_policies(folder: Folder, name: str):
    (problem,) = folder.problems_with(f"mcpServers:\n  '{name}': {{command: x}}\n")
    assert problem.line == 4
    assert "1 to 64 letters" in problem.message


def test_the_name_of_what_providers_run_themselves_is_taken(folder: Folder):
    (problem,) = folder.problems_with("mcpServers:\n  provider: {command: x}\n")
    assert (problem.line, problem.field) == (4, "mcpServers.provider")
    assert "model providers run themselves" in problem.message


@pytest.mark.parametrize("name", ["a", "s" * 64, "a.b-c_D9"])
def test_many_names_are_good(folder: Folder, name: str):
    assert _one(folder, "{command: x}", name).name == name


def test_all_that_can_be_said_of_a_process_is_kept(folder: Folder):
    folder.write("data/x", "")
    folder.write("s.env", "FROM_FILE=1\nBOTH=file\n")
    server = _one(
        folder,
        """
    type: stdio
    command: uvx
    args: [tool, "--flag"]
    env: {BOTH: config}
    envFile: s.env
    cwd: data
    timeout: 30000
    sandbox:
      backend: bubblewrap
      network: none
      workspace: /workspace
      image: example/image:1
      mounts: ["data:/data", "./data:/out:rw"]
      memory: 1.5g
      cpus: 2
      processes: 64
      disk: 128MiB
""",
    )
    assert server == StdioServerConfig(
        "s",
        StdioServer(
            name="s",
            command="uvx",
            args=("tool", "--flag"),
            env={"FROM_FILE": "1", "BOTH": "config"},
            cwd=str(folder.path / "data"),
            backend="bubblewrap",
            workspace="/workspace",
            image="example/image:1",
            mounts=(Mount(folder.path / "data", "/data"), Mount(folder.path / "data", "/out", writable=True)),
            limits=Limits(1536 * 1024**2, 2.0, 64, 128 * 1024**2),
        ),
        timeout_seconds=30.0,
    )


def test_without_a_sandbox_the_limits_are_those_of_the_sandbox(folder: Folder):
    server = _one(folder, "{command: npx}")
    assert isinstance(server, StdioServerConfig)
    assert server.server == StdioServer("s", "npx")


@pytest.mark.parametrize(
    ("written", "size"),
    [("67108864", 64 * 1024**2), ("64m", 64 * 1024**2), ("64 MB", 64 * 1024**2), ("0.5G", 512 * 1024**2)],
)
def test_sizes_are_read_as_docker_reads_them(folder: Folder, written: str, size: int):
    server = _one(folder, f"{{command: x, sandbox: {{memory: {written}}}}}")
    assert isinstance(server, StdioServerConfig)
    assert server.server.limits.memory_bytes == size


def test_a_mount_may_begin_at_home(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(folder.path))
    server = _one(folder, "{command: x, sandbox: {mounts: ['~:/data']}}")
    assert isinstance(server, StdioServerConfig)
    assert server.server.mounts == (Mount(folder.path, "/data"),)


def test_a_docker_run_command_is_left_as_it_is(folder: Folder):
    server = _one(folder, "{command: docker, args: [run, -i, --rm, -e, TOKEN, 'mcp/fetch@sha256:aa']}")
    assert isinstance(server, StdioServerConfig)
    assert server.server.args == ("run", "-i", "--rm", "-e", "TOKEN", "mcp/fetch@sha256:aa")


@pytest.mark.parametrize("field", ["url", "serverUrl", "httpUrl"])
def test_a_url_has_three_names(folder: Folder, field: str):
    server = _one(folder, f"{{{field}: 'https://h/mcp', headers: {{X: y}}, timeout: 1500}}")
    assert server == HttpServerConfig("s", "https://h/mcp", {"X": "y"}, 1.5)
    assert "https" not in repr(server)


@pytest.mark.parametrize("kind", ["http", "streamable-http", "streamableHttp", "streamable_http"])
@pytest.mark.parametrize("field", ["type", "transport", "transportType"])
def test_a_transport_may_be_named(folder: Folder, field: str, kind: str):
    assert isinstance(_one(folder, f"{{{field}: {kind}, url: 'https://h/mcp'}}"), HttpServerConfig)


@pytest.mark.parametrize("text", ["disabled: true", "enabled: false", "disabled: '${OFF:-true}'"])
def test_a_server_can_be_switched_off(folder: Folder, text: str):
    assert _one(folder, f"{{command: x, {text}, sandbox: {{mounts: ['nope:/data']}}}}").disabled


def test_a_timeout_is_in_milliseconds_unless_that_is_absurd(folder: Folder):
    config = _config(folder, "{command: x, timeout: 60}")
    assert config.servers[0].timeout_seconds == 60.0
    assert [warning.field for warning in config.warnings] == ["mcpServers.s.timeout"]


@pytest.mark.parametrize(
    ("server", "field", "message"),
    [
        ("{command: x, alwaysAllow: [a]}", "alwaysAllow", "grant nothing"),
        ("{command: x, autoApprove: [a]}", "autoApprove", "grant nothing"),
        ("{command: x, trust: true}", "trust", "grant nothing"),
        ("{command: x, permissions: {a: allow}}", "permissions", "grant nothing"),
        ("{command: x, includeTools: [a]}", "includeTools", "choose the tools in a policy"),
        ("{command: x, disabledTools: [a]}", "disabledTools", "choose the tools in a policy"),
        ("{url: 'https://h/mcp', oauth: {clientId: x}}", "oauth", "does not hold here"),
        ("{url: 'https://h/mcp', auth: oauth}", "auth", "does not hold here"),
        ("{url: 'https://h/mcp', headersHelper: ./x.sh}", "headersHelper", "not run"),
        ("{url: 'https://h/mcp', env: {A: b}}", "env", "means nothing"),
        ("{command: x, headers: {A: b}}", "headers", "mean nothing"),
        ("{command: x, sandbox: {network: open}}", "sandbox.network", "every host"),
        ("{command: x, sandbox: {backend: host}}", "sandbox.backend", "outside any sandbox"),
    ],
)
def test_what_means_less_or_more_than_it_seems_is_warned_about(
    folder: Folder, server: str, field: str, message: str
):
    (warning,) = _config(folder, server).warnings
    assert (warning.line, warning.field) == (4, f"mcpServers.s.{field}")
    assert message in f"{warning.message}; {warning.hint}"
    assert warning.hint


def test_what_only_clients_care_about_is_ignored_without_fuss(folder: Folder):
    fields = (
        "description: d, icon: i, name: n, alwaysLoad: true, gallery: {}, dev: {watch: x}, version: '1', note: x"
    )
    assert _config(folder, f"{{command: x, {fields}}}").warnings == ()


def test_an_environment_file_is_judged_like_any_other(folder: Folder):
    file = folder.write("s.env", "A=1\nnonsense\n", mode=0o644)
    (problem,) = folder.problems_with("mcpServers: {s: {command: x, envFile: s.env}}")
    assert (problem.file, problem.line) == (str(file), 2)
    folder.write("s.env", "A=1\n", mode=0o644)
    (warning,) = _config(folder, "{command: x, envFile: s.env}").warnings
    assert (warning.file, warning.hint) == (str(file), f"chmod 600 {file}")


def test_a_credential_in_arguments_or_environment_is_not_in_a_repr(folder: Folder):
    config = _config(folder, "{command: x, args: [--token=hush-hush], env: {API_TOKEN: hush-hush-too}}")
    assert "hush" not in repr(config)
    assert "hush-hush-too" in config.secrets


def _config(folder: Folder, server: str, name: str = "s") -> Config:
    return folder.load_with(f"mcpServers:\n  {name}: {server}\n")


def _one(folder: Folder, server: str, name: str = "s") -> StdioServerConfig | HttpServerConfig:
    (server_config,) = _config(folder, server, name).servers
    return server_config


def test_paths_are_absolute_even_if_the_file_was_named_by_a_relative_one(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
):
    folder.write("data/x", "")
    folder.write(
        "gateway.yaml",
        "version: 1\nkeys: {a: {secret: sixteen-characters}}\n"
        "mcpServers: {s: {command: x, cwd: data, sandbox: {mounts: ['data:/data']}}}\nstorage: {state_dir: s}\n",
    )
    monkeypatch.chdir(folder.path)
    config = load_config(Path("gateway.yaml"), environ={})
    (server,) = config.servers
    assert isinstance(server, StdioServerConfig)
    assert server.server.mounts[0].source == folder.path / "data"
    assert server.server.cwd == str(folder.path / "data")
    assert config.storage.state_dir == folder.path / "s"


@pytest.mark.parametrize(
    ("server", "transport"),
    [
        ("{url: 'https://h/mcp'}", "http"),
        ("{url: 'https://h/sse'}", "sse"),
        ("{url: 'https://h/sse', type: http}", "http"),
        ("{url: 'https://h/mcp', type: sse}", "sse"),
        ("{url: 'https://h/mcp', transport: sse}", "sse"),
    ],
)
def test_a_server_with_a_url_is_spoken_to_as_its_type_or_else_its_path_says(
    folder: Folder, server: str, transport: str
):
    config = _config(folder, server)
    assert [one.transport for one in config.servers if isinstance(one, HttpServerConfig)] == [transport]
    assert config.warnings == ()


def test_a_name_with_a_colon_is_no_name_for_a_password(folder: Folder):
    server = "{openapi: gateway.yaml, credentials: {k: {username: 'a:b', password: c}}}"
    (problem,) = folder.problems_with(f"mcpServers:\n  s: {server}\n")
    assert (problem.line, problem.field) == (4, "mcpServers.s.credentials.k.username")
    assert "cannot hold a colon" in problem.message


def test_an_api_has_a_credential_for_each_security_scheme_and_tokens_besides(folder: Folder):
    folder.write("pets.yaml", "openapi: 3.1.0")
    config = folder.load(
        """\
        version: 1
        mcpServers:
          pets:
            openapi: pets.yaml
            url: https://pets.example.com/v1
            credentials: {key: key-of-ours, login: {username: me, password: pass-of-ours}, tls: false}
            auth: {type: client_credentials, client_id: a, client_secret: client-of-ours}
        keys: {agent-1: {secret: agent-secret-agent-secret}}
        """
    )
    (server,) = config.servers
    assert isinstance(server, OpenApiServerConfig)
    assert dict(server.credentials) == {"key": "key-of-ours", "login": Password("me", "pass-of-ours"), "tls": None}
    assert server.auth is not None
    assert "of-ours" not in repr(config)
    assert {"key-of-ours", "pass-of-ours", "client-of-ours"} <= set(config.secrets)


def test_an_openapi_document_makes_a_server(folder: Folder):
    folder.write("apis/pets.yaml", "openapi: 3.1.0")
    config = folder.load(
        """\
        version: 1
        mcpServers:
          pets:
            openapi: apis/pets.yaml
            url: https://pets.example.com/v1?key=query-secret
            headers: {Authorization: "Bearer header-secret"}
            operations: {include: ["getPet*"], exclude: ["GET /admin/*"]}
            timeout: 20000
        keys: {agent-1: {secret: agent-secret-agent-secret}}
        """
    )
    (server,) = config.servers
    assert isinstance(server, OpenApiServerConfig)
    assert server.document == folder.path / "apis" / "pets.yaml"
    assert (server.include, server.exclude, server.timeout_seconds) == (("getPet*",), ("GET /admin/*",), 20)
    assert "-secret" not in repr(config)
    assert {"query-secret", "header-secret"} <= set(config.secrets)
