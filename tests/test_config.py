"""Settings are read once, typed, and every mistake in them is one line with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from thywill.config import ServerSettings, read
from thywill.errors import SettingsError
from thywill.server import Service


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "thywill.toml"


def test_an_empty_file_gives_the_defaults(config: Path) -> None:
    config.write_text("")
    assert read(config, required=True).section("server", ServerSettings) == ServerSettings()


def test_a_missing_file_is_an_error_only_where_it_was_named(config: Path) -> None:
    assert read(config, required=False).section("server", ServerSettings) == ServerSettings()
    with pytest.raises(SettingsError, match="no such settings file"):
        read(config, required=True)


def test_the_prompt_overrides_the_file(config: Path) -> None:
    config.write_text('[server]\nport = 1\naddress = "::1"\n')
    settings = read(config, required=True, overrides={"server.port": 2}).section("server", ServerSettings)
    assert (settings.port, settings.address) == (2, "::1")


MISTAKES = {
    "[server]\nprot = 1": r"\[server\] prot: is no setting here; did you mean 'port'\?",
    '[server]\nport = "80"': r"\[server\] port: expected 'int', got 'str'",
    "[server]\nport = 70000": r"\[server\] port: expected 'int' <= 65535",
    '[server]\nhttp = "slow"': r"\[server\] http: invalid enum value 'slow'",
    '[server]\ntrusted_proxies = ["proxy"]': r"trusted_proxies: 'proxy' is neither an address nor a network",
    "[sever]": r"unknown section \[sever\]; did you mean 'server'\?",
    "port = 1": r"'port' stands outside a section",
    "[server": "is not TOML",
    '[queue]\ncomponent = "memroy"': r"\[queue\]: 'memroy' is no component; choose memory",
    '[queue]\ncomponent = "no.such.Queue"': r"\[queue\]: no.such.Queue cannot be imported",
    '[queue]\ncomponent = "thywill.hub.Nothing"': r"no class 'Nothing' in thywill.hub",
    '[queue]\ncomponent = "thywill.hub.Hub"': r"is no subclass of thywill.components.queue.base.Queue",
    "[queue]\ncomponent = 1": r"\[queue\] component: must be one name",
    '[queue]\noverflow = "explode"': r"\[queue\] overflow: invalid enum value 'explode'",
    "[push]\ncomponents = []": r"\[push\] components: must be a list of names",
    "[push]\nhold = 5": r"\[push\] hold: is no setting here",
    "[push.longpol]\nhold = 5": r"\[push\] longpol: is not among the components chosen; did you",
    "[push.longpoll]\nhold = 0": r"\[push.longpoll\] hold: expected 'float' > 0",
    '[application_interface]\napplications = ["apps.nothing"]': r"there is no package 'apps.nothing'",
    '[application_interface]\napplications = ["thywill.hub"]': r"must define one subclass of Application",
    '[application_interface]\napplications = ["tests.probe", "tests.probe"]': r"two are called 'probe'",
    '[log]\nlevel = "loud"': r"\[log\] level = 'loud': use one of debug, info",
    '[database]\nurl = "what"': r"\[database\] url",
}


@pytest.mark.gen_test
@pytest.mark.parametrize(("text", "error"), MISTAKES.items(), ids=MISTAKES.keys())
async def test_mistakes(config: Path, text: str, error: str) -> None:
    config.write_text(text)  # noqa: ASYNC240 - nothing else runs here
    with pytest.raises(SettingsError, match=error) as caught:
        Service(read(config, required=True, overrides={"server.data": str(config.parent)}), ROOT)
    assert "\n" not in str(caught.value)
