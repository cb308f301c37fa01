"""The image that every server of ours runs: pinned, not root, with nothing in it that isn't named."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")


def pins(path: str) -> dict[str, str]:
    """The versions of a requirements file; a line without one fails."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith(("#", " "))]
    pinned = {line: re.match(r"([\w.-]+)==([\w.]+)", line) for line in named}
    assert not [line for line, match in pinned.items() if match is None]
    return {match[1].lower().replace("_", "-"): match[2] for match in pinned.values() if match}


def test_it_is_pinned_and_not_root():
    lines = DOCKERFILE.splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"].values()
    users = {service["user"] for service in services if service["image"].startswith("bankmart")}
    assert users == {line.split()[1] for line in lines if line.startswith("USER")} == {"10001:10001"}
    assert 'ENTRYPOINT ["/bin/sh", "/opt/bankmart/docker/entrypoint.sh"]' in lines


def test_nothing_gets_into_the_build_but_what_is_copied():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert not [source for source in sources if not (ROOT / source).exists()]
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert let_in == {source.split("/")[0] for source in sources}


def test_what_it_adds_to_our_requirements_is_pinned_and_agrees_with_them():
    ours, servers = pins("requirements.txt"), pins("docker/requirements-servers.txt")
    assert {"apache-airflow-providers-celery", "apache-airflow-providers-fab", "redis"} <= set(servers)
    assert not set(ours) & set(servers)
    # Airflow's Celery provider 3.26 fails on import with Celery 5.7 although its metadata allow it.
    assert tuple(map(int, servers["celery"].split("."))) < (5, 7)
