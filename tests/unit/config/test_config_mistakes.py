"""Every kind of mistake is found where it stands, with a hint, and all of them at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.config import Config, load_config
from gateway.errors import ConfigError, Problem
from tests.unit.config.folders import ENVIRON, EXAMPLE, POLICIES, SECRET, Folder

# Each text begins on line 3. Then: the line, the field, a part of the message and a part of the hint.
AUDIO = f"keys: {{a: {{secret: {SECRET}, passthrough: audio}}}}"
MISTAKES = [
    ("provider: {}", 3, "provider", "no such setting", "did you mean providers?"),
    ("\nservers: {}", 4, "servers", "no such setting", "did you mean mcpServers?"),
    ("mcp_servers: {}", 3, "mcp_servers", "no such setting", "did you mean mcpServers?"),
    ("policies: [x]", 3, "policies", "no such setting", "did you mean policy_files?"),
    ("zzz: 1", 3, "zzz", "no such setting", "the settings here are mcpServers, version, listen"),
    ("listen: {prot: 1}", 3, "listen.prot", "no such setting", "did you mean port?"),
    ("listen: [1]", 3, "listen", "must be a mapping", "name: value"),
    ("listen:\n  port: many", 4, "listen.port", "must be a whole number", None),
    ("listen: {port: 70000}", 3, "listen.port", "must be at most 65535", None),
    ("listen: {port: true}", 3, "listen.port", "must be a number", None),
    ("listen: {host: 'a b'}", 3, "listen.host", "an IP address or a host name", "127.0.0.1"),
    ("mcp_endpoint: {host: x}", 3, "mcp_endpoint.host", "no such setting", "are public_url"),
    ("mcp_endpoint: {public_url: gate}", 3, "mcp_endpoint.public_url", "http or https URL", "https://host"),
    ("mcp_endpoint: {public_url: 'https://h/mcp'}", 3, "mcp_endpoint.public_url", "not hold a path", "https://host"),
    ("mcp_endpoint: {allowed_hosts: ['*']}", 3, "mcp_endpoint.allowed_hosts[0]", "a host", "host:port"),
    ("mcp_endpoint: {allowed_hosts: ['h/x']}", 3, "mcp_endpoint.allowed_hosts[0]", "a host", "host:port"),
    ("mcp_endpoint: {allowed_origins: [h]}", 3, "mcp_endpoint.allowed_origins[0]", "an http or", "https://"),
    ("providers: {a: {api_key: ''}}", 3, "providers.a.api_key", "is empty", "set the variable"),
    ("providers: {a: {api_key: \"x\\ny\"}}", 3, "providers.a.api_key", "cannot have", None),
    ("providers: {a: {api_key: 12}}", 3, "providers.a.api_key", "must be a string", "put it in quotes"),
    ("providers: {'a/b': {}}", 3, 'providers."a/b"', "letters, digits", "a-b"),
    ("providers: {a: {base_url: 'ftp://h/'}}", 3, "providers.a.base_url", "http or https URL", "https://host"),
    ("providers: {a: {base_url: 'https://h:x/'}}", 3, "providers.a.base_url", "http or https URL", "https://host"),
    ("providers: {a: {base_url: 'https://u:pw@h/'}}", 3, "providers.a.base_url", "user or pass", "as a header"),
    ("providers: {a: {base_url: 'https://h/#x'}}", 3, "providers.a.base_url", "a fragment", None),
    ("providers: {a: {proxy: 'https://h:1'}}", 3, "providers.a.proxy", "http URL of a proxy", "http://host:port"),
    ("providers: {a: {proxy: 'http://h/x'}}", 3, "providers.a.proxy", "a path", "http://host:port"),
    ("providers: {a: {env: {X: y}}}", 3, "providers.a.env", "reached through LiteLLM", "kind: litellm"),
    ("providers: {a: {headers: {'x y': z}}}", 3, 'providers.a.headers."x y"', "not a name", None),
    ("providers: {a: {headers: {Host: z}}}", 3, "providers.a.headers.Host", "by the gateway alone", None),
    ("providers: {a: {headers: {X: \"a\\nb\"}}}", 3, "providers.a.headers.X", "a line end", None),
    ("providers: {a: {timeout: {idle: 0}}}", 3, "providers.a.timeout.idle", "must be more than 0", None),
    ("providers: {a: {timeout: {idel: 1}}}", 3, "providers.a.timeout.idel", "no such", "did you mean idle?"),
    ("provider_tools: {web_search: web}", 3, "provider_tools.web_search", "one tool", "web/search"),
    ("provider_tools: {web_search: web/*}", 3, "provider_tools.web_search", "one tool", "web/search"),
    ("provider_tools: {web_search: w/x}", 3, "provider_tools.web_search", "no tool server", "none yet"),
    ("provider_tools:\n  web_search: 5", 4, "provider_tools.web_search", "a string", "in quotes"),
    ("models: {m: opena}", 3, "models.m", "no provider has this name", "there are none yet"),
    ("providers: {openai: }\nmodels: {m: opena}", 4, "models.m", "no provider", "did you mean openai?"),
    ("providers: {openai: }\nmodels:\n  m:\n  - openai/x", 5, "models.m", "no provider", "{provider: openai"),
    ("models: {m: {}}", 3, "models.m.provider", "is missing", None),
    ("models: {m: []}", 3, "models.m", "must not be empty", None),
    ("models: {m: [[]]}", 3, "models.m[0]", "must be a mapping", "name: value"),
    ("providers: {x: }\nmodels: {'': x}", 4, 'models.""', "1 to 256", "another name"),
    ("models: {m: [{provider: x, context_tokens: 32q}]}", 3, "models.m[0].context_tokens", "whole number", "32k"),
    ("models: {m: [{provider: x, context_tokens: true}]}", 3, "models.m[0].context_tokens", "a number", None),
    ("models: {m: [{provider: x, modle: y}]}", 3, "models.m[0].modle", "no such", "did you mean model?"),
    ("keys: {a: {secrt: x}}", 3, "keys.a.secrt", "no such setting", "did you mean secret?"),
    ("keys: {a: {}}", 3, "keys.a.secret", "is missing", None),
    ("keys: {a: {secret: ' '}}", 3, "keys.a.secret", "is empty", "set the variable"),
    ("keys: {a: {secret: }}", 3, "keys.a.secret", "must be a string", "quotes"),
    ("keys: {'a b': {secret: x}}", 3, 'keys."a b"', "letters, digits", "call it a-b"),
    ("keys: []", 3, "keys", "must be a mapping", "name: value"),
    ("keys: {}", 3, "keys", "there is no key", "toolgate init"),
    (f"keys: {{a: {{secret: {SECRET}, tools: always}}}}", 3, "keys.a.tools", "'auto', 'on_request'", None),
    (f"keys: {{a: {{secret: {SECRET}, selection: some}}}}", 3, "keys.a.selection", "'all' or 'search'", None),
    (f"keys: {{a: {{secret: {SECRET}, pin: [files]}}}}", 3, "keys.a.pin[0]", "server/tool", "files/*"),
    ("mcpServers: {toolgate: {url: 'https://h/'}}", 3, "mcpServers.toolgate", "the gateway's own", "rename it"),
    (f"keys: {{a: {{secret: {SECRET}, models: ['']}}}}", 3, "keys.a.models[0]", "must not be empty", None),
    (f"keys: {{a: {{secret: {SECRET}, models: x}}}}", 3, "keys.a.models", "must be a list", "[a, b]"),
    (f"keys: {{a: {{secret: {SECRET}, policies: [x]}}}}", 3, "keys.a.policies[0]", "no policy", "`policy_files`"),
    (f"keys: {{a: {{secret: {SECRET}, passthrough: [video]}}}}", 3, "keys.a.passthrough[0]", "'images'", None),
    (f"{AUDIO}\nlimits: {{usd: 1}}", 3, "keys.a.passthrough", "limits.usd", "one of the two"),
    (f"{AUDIO.replace('audio', 'batches')}\nlimits: {{usd: 1}}", 3, "keys.a.passthrough", "limits.usd", "one of"),
    (AUDIO.replace("audio", "files"), 3, "keys.a.passthrough", "which provider", "name one"),
    ("passthrough: {provider: openai}", 3, "passthrough.provider", "no provider", "there are none yet"),
    ("limits: {upload_bytes: 1}", 3, "limits.upload_bytes", "must be at least", None),
    ("limits: {rounds: 0}", 3, "limits.rounds", "must be at least 1", None),
    ("limits: {calls: 1.5}", 3, "limits.calls", "must be a whole number", None),
    ("limits: {wall_clock_seconds: soon}", 3, "limits.wall_clock_seconds", "must be a number", None),
    ("limits: {body_bytes: 1000000000000}", 3, "limits.body_bytes", "must be at most", None),
    ("limits: {round: 1}", 3, "limits.round", "no such setting", "did you mean rounds?"),
    ("policy_files: [nope.yaml]", 3, "policy_files[0]", "there is no such file", "folder of this file"),
    ("policy_files: nope.yaml", 3, "policy_files", "must be a list", "[a, b]"),
    ("storage: {database: 'mysql://h/x'}", 3, "storage.database", "SQLite or PostgreSQL", "postgresql"),
    ('storage: {state_dir: "a\\0b"}', 3, "storage.state_dir", "NUL", None),
    ("storage: {audit: {json: x}}", 3, "storage.audit.json", "no such setting", "did you mean jsonl?"),
    ("operator_token: ''", 3, "operator_token", "is empty", "set the variable"),
    (f"operator_token: {SECRET}", 3, "operator_token", "the same as keys.a.secret", "secrets.token_urlsafe"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "field", "message", "hint"), MISTAKES, ids=[text for text, *_ in MISTAKES]
)
def test_a_mistake_is_found_where_it_stands(
    folder: Folder, text: str, line: int, field: str, message: str, hint: str | None
):
    problems = folder.problems_with(text)
    assert [(problem.line, problem.field) for problem in problems] == [(line, field)]
    assert problems[0].file == str(folder.path / "gateway.yaml")
    assert message in problems[0].message
    assert (hint is None) == (problems[0].hint is None)
    assert hint is None or hint in str(problems[0].hint)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines(folder: Folder):
    problems = folder.problems(
        """\
        listen: {port: x}
        providers:
          openai: {api_key: "${NOT_SET}"}
          other: {base_url: nonsense, tiemout: 1}
        models: {a: [{provider: opnai}, {provider: other, model: ""}]}
        mcpServers: {a: {}, b: {command: x, sandbox: {memory: lots, backend: dokcer}}}
        keys:
          a: {secret: short}
          b: {secret: short, policies: [x]}
        """
    )
    found = [(problem.line, problem.field) for problem in problems]
    assert found == [
        (1, "listen.port"),
        (1, "version"),
        (3, "providers.openai.api_key"),
        (4, "providers.other.tiemout"),
        (4, "providers.other.base_url"),
        (5, "models.a[1].model"),
        (6, "mcpServers.b.sandbox.backend"),
        (6, "mcpServers.b.sandbox.memory"),
        (6, "mcpServers.a"),
        (9, "keys.b.policies[0]"),
        (9, "keys.b.secret"),
    ]


def test_the_version_must_be_one_that_is_known(folder: Folder):
    (missing,) = folder.problems(f"keys: {{a: {{secret: {SECRET}}}}}")
    assert (missing.field, missing.hint) == ("version", "begin the file with `version: 1`")
    (wrong,) = folder.problems(f"version: 2\nkeys: {{a: {{secret: {SECRET}}}}}")
    assert (wrong.line, wrong.message) == (1, "must be 1")


def test_no_message_quotes_what_may_be_a_secret(folder: Folder):
    text = """\
        version: hush-1
        listen: {host: "hush 2", port: hush-3}
        providers:
          a: {api_key: "hush\\n4", base_url: "https://hush:5@h/#hush", dialect: "hush/7", headers: {X: "hush\\n8"}}
        models: {m: {provider: hush-9, model: hush-10}, n: hush-11}
        mcpServers:
          a: {command: hush-12, type: hush-13, env: [hush-14]}
          b: {url: "hush-15", headers: {Authorization: "hush\\n16"}}
          c: {command: x, args: hush-17, sandbox: {mounts: [hush-18], memory: hush-19, network: hush-20}}
          d: {command: x, args: ["${HUSH-22}", "${hush 23}"], env: {A: "${NOT_SET}hush-24"}}
        keys: {a: {secret: hush-25, tools: hush-26, policies: [hush-27]}, b: {secret: hush-25}}
        limits: {rounds: hush-28}
        storage: {database: "hush://29"}
        """
    problems = folder.problems(text)
    told = [str(problem) for problem in problems]
    assert [line for line in told if "hush" in line.lower()] == []
    assert len(told) > 20


def test_a_repeated_mistake_does_not_flood_the_terminal(folder: Folder):
    problems = folder.problems_with("models:\n" + "".join(f"  m{index}: []\n" for index in range(500)))
    assert len(problems) == 100


@pytest.mark.parametrize("text", ["[1, 2]", "just text", "42"])
def test_a_file_that_holds_no_mapping_is_refused(folder: Folder, text: str):
    (problem,) = folder.problems(text)
    assert "must hold a mapping" in problem.message


def test_an_empty_file_lacks_everything(folder: Folder):
    assert [problem.field for problem in folder.problems("")] == ["version", "keys"]


def test_a_missing_file_is_to_be_made(folder: Folder):
    with pytest.raises(ConfigError) as raised:
        load_config(folder.path / "gateway.yaml", environ={})
    (problem,) = raised.value.problems
    assert problem.message == "there is no such file"
    assert "toolgate init" in str(problem.hint)


def test_what_is_not_yaml_is_refused_with_its_line(folder: Folder):
    (problem,) = folder.problems("version: 1\nkeys: {a: [}\n")
    assert problem.line == 2
    assert problem.hint


def test_what_is_not_utf8_is_refused_with_line_and_byte(folder: Folder):
    (problem,) = folder.problems(b"version: 1\nkeys: \xff\n")
    assert (problem.line, problem.message) == (2, "byte 7 of this line is not UTF-8")
    assert "UTF-8" in str(problem.hint)


def test_a_byte_order_mark_is_not_part_of_the_text(folder: Folder):
    text = f"version: 1\nkeys: {{a: {{secret: {SECRET}}}}}\n".encode("utf-8-sig")
    assert folder.load(text).keys


def test_a_file_that_is_too_large_is_not_read(folder: Folder):
    (problem,) = folder.problems(b"#" * (1024 * 1024 + 1))
    assert problem.message == "the file is larger than 1024 KiB"


def test_only_regular_files_are_read(folder: Folder):
    os.mkfifo(folder.path / "pipe")  # opening it would wait for a writer
    (folder.path / "folder").mkdir()
    for name, message in (("pipe", "not a regular file"), ("folder", "Is a directory")):
        with pytest.raises(ConfigError, match=message):
            load_config(folder.path / name, environ={})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])
def test_beyond_loopback_secrets_must_be_long(folder: Folder, host: str):
    text = f"""\
        version: 1
        listen: {{host: '{host}'}}
        keys: {{a: {{secret: short}}}}
        operator_token: brief
        """
    problems = folder.problems(text)
    assert [problem.field for problem in problems] == ["keys.a.secret", "operator_token"]
    assert "shorter than 16" in problems[0].message
    assert "token_urlsafe" in str(problems[0].hint)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_a_short_secret_is_a_warning(folder: Folder, host: str):
    config = folder.load(f"version: 1\nlisten: {{host: '{host}'}}\nkeys: {{a: {{secret: short}}}}")
    assert [(warning.line, warning.field) for warning in config.warnings] == [(3, "keys.a.secret")]


def test_a_host_from_outside_the_file_decides_as_well(folder: Folder):
    text = "version: 1\nkeys: {a: {secret: short}}"
    with pytest.raises(ConfigError, match="shorter than 16"):
        folder.load(text, host="0.0.0.0")
    assert folder.load(text, host="::1").listen.host == "::1"


def test_beyond_loopback_there_must_be_a_key(folder: Folder):
    (problem,) = folder.problems("version: 1\nlisten: {host: 0.0.0.0}")
    assert "beyond this machine" in problem.message
    assert "toolgate init" in str(problem.hint)


def test_two_keys_never_share_a_secret(folder: Folder):
    (problem,) = folder.problems(f"version: 1\nkeys:\n  a: {{secret: {SECRET}}}\n  b: {{secret: ' {SECRET}'}}\n")
    assert (problem.line, problem.field, problem.message) == (4, "keys.b.secret", "is the same as keys.a.secret")


def test_credentials_in_the_clear_are_warned_about(folder: Folder):
    config = folder.load_with(
        """\
        providers:
          far: {base_url: "http://models.example/v1", api_key: k}
          near: {base_url: "http://localhost:11434/v1", api_key: k}
          open: {base_url: "http://models.example/v1"}
        mcpServers:
          far: {url: "http://tools.example/mcp", headers: {Authorization: x}}
          near: {url: "http://[::1]:1/mcp", headers: {Authorization: x}}
        """
    )
    assert [warning.field for warning in config.warnings] == ["providers.far.base_url", "mcpServers.far.url"]


def test_mistakes_in_policy_files_are_told_with_the_rest(folder: Folder):
    folder.write("policies/readers.yaml", "version: 1\npolicies:\n  readers: {alow: ['*/*']}\n")
    problems = folder.problems(EXAMPLE.replace("port: 8484", "port: x"))
    assert [(Path(problem.file).name, problem.line) for problem in problems] == [
        ("gateway.yaml", 2),
        ("readers.yaml", 3),
    ]
    assert "allow" in str(problems[1].hint)


def test_a_policy_that_nobody_wrote_is_found(folder: Folder):
    folder.write("policies/readers.yaml", POLICIES)
    (problem,) = folder.problems(EXAMPLE.replace("[readers], tools", "[raeders], tools"))
    assert (problem.line, problem.field) == (14, "keys.agent-1.policies[0]")
    assert problem.hint == "did you mean readers?"


def test_a_policy_file_is_named_once(folder: Folder):
    folder.write("p.yaml", POLICIES)
    (problem,) = folder.problems_with("policy_files: [p.yaml, p.yaml]")
    assert (problem.field, problem.message) == ("policy_files[1]", "this file is named twice")


def test_a_policy_file_that_is_not_utf8_is_refused_with_its_line(folder: Folder):
    folder.write("p.yaml", b"version: 1\n\xff")
    (problem,) = folder.problems_with("policy_files: [p.yaml]")
    assert "p.yaml:2: byte 1" in problem.message


def test_pins_of_a_key_whose_models_are_shown_everything_are_warned_about(folder: Folder):
    config = folder.load_with(f"keys: {{a: {{secret: {SECRET}, pin: ['files/*']}}}}")
    assert [(warning.field, warning.hint) for warning in config.warnings] == [
        ("keys.a.pin", "set selection: search")
    ]


def test_warnings_about_policies_are_kept(folder: Folder):
    folder.write("p.yaml", "version: 1\npolicies:\n  p: {allow: ['a/x'], deny: ['a/*']}\n")
    config = folder.load_with("policy_files: [p.yaml]")
    assert [Path(warning.file).name for warning in config.warnings] == ["p.yaml"]


def test_a_problem_reads_as_file_line_field_and_hint(folder: Folder):
    (problem,) = folder.problems_with("limits: {round: 1}")
    assert isinstance(problem, Problem)
    file = folder.path / "gateway.yaml"
    assert str(problem) == f"{file}:3: limits.round: there is no such setting\n  hint: did you mean rounds?"


def test_the_example_is_right_without_its_models(folder: Folder):
    folder.write("policies/readers.yaml", POLICIES)
    lines = [line for line in EXAMPLE.splitlines() if not line.startswith(("models", "  fast", '  "gpt'))]
    config: Config = folder.load("\n".join(lines), environ=ENVIRON)
    assert config.models == {}
