"""The READMEs are true: their application runs, and their links lead somewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.gate.environment import ROOT
from thywill import errors

README = (ROOT / "README.md").read_text(encoding="utf-8")
READMES = sorted(
    path
    for pattern in ("*.md", "*/*.md", "apps/*/*.md", "tests/**/*.md", ".github/*.md")
    for path in ROOT.glob(pattern)
    if not any(part.startswith((".pytest", ".venv", ".hypothesis")) for part in path.parts)
)


def code(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def dice(tmp_path: Path) -> Iterator[str]:
    package = tmp_path / "readme_dice"
    (package / "static").mkdir(parents=True)
    (package / "__init__.py").write_text(code("python")[0])
    (package / "static" / "dice.js").write_text(code("js")[0])
    sys.path.insert(0, str(tmp_path))
    yield "readme_dice"
    sys.path.remove(str(tmp_path))
    sys.modules.pop("readme_dice", None)


@pytest.mark.gen_test
async def test_the_application_of_the_readme_runs(start: Start, dice: str) -> None:
    running = await start(application_interface={"applications": [dice]})
    one, other = await running.connect(dice), await running.connect(dice)
    await one.send("roll")
    for client in (one, other):
        (rolled,) = await client.receive()
        assert rolled["who"] == one.id
        assert rolled["rolled"] in range(1, 7)
    assert code("js")[0].encode() == (await running.fetch(f"static/0/{dice}/dice.js")).body


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 120
    assert len(code("python")[0].splitlines()) <= 14


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(readme: Path) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", readme.read_text(encoding="utf-8"))
    missing = [each for each in targets if "://" not in each and not leads_somewhere(readme, each)]
    assert missing == []


def leads_somewhere(readme: Path, target: str) -> bool:
    """Return whether the file exists, and the heading, if the link names one."""
    name, _, heading = target.partition("#")
    file = readme.parent / name if name else readme
    return file.exists() and (not heading or heading in headings(file.read_text(encoding="utf-8")))


def headings(text: str) -> list[str]:
    """Return the headings of a Markdown file in the form that links use."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^#+ (.+)$", prose, flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in lines]


def test_a_heading_that_is_not_there_is_found() -> None:
    readme = ROOT / "tests" / "README.md"
    assert leads_somewhere(readme, "#the-auditor")
    assert leads_somewhere(readme, "../static/README.md#from-a-page-of-another-origin")
    assert not leads_somewhere(readme, "#no-such-heading")
    assert not leads_somewhere(readme, "../static/README.md#no-such-heading")
    assert not leads_somewhere(readme, "nowhere.md#the-auditor")


def test_every_folder_of_tests_stands_in_the_table() -> None:
    folder = ROOT / "tests"
    named = re.findall(
        r"^\| `(\w+)/` \|", (folder / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert sorted(named) == sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    assert list(folder.glob("test_*.py")) == []


def test_every_error_of_the_wire_is_documented() -> None:
    text = (ROOT / "thywill" / "README.md").read_text(encoding="utf-8")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        if issubclass(kind, errors.RequestError) and kind not in (errors.RequestError, errors.Later):
            assert f"`{kind.code}`" in text
            assert str(kind.status) in text


def test_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "thywill" / "README.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"`([a-z][\w./-]*(?:\.(?:py|js|toml)|/))`", prose))
    assert len(named) > 50
    assert [name for name in sorted(named) if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Return whether the project, its tests or the package has a file or folder of this name or path."""
    folders = (ROOT, ROOT / "tests", ROOT / "thywill")
    return any((folder / name).exists() for folder in folders) or any((ROOT / "thywill").rglob(name))
