"""The files of `deploy/`: valid by their schemas, hardened, and in step with the program."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from miraikakaku_assets.settings import Settings
from miraikakaku_assets_tests.support.command_tree import LEAVES

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "helm-values.yaml")
SCHEMA = ROOT / "miraikakaku_assets_tests" / "vendor" / "compose-spec" / "compose_spec.json"
LATER = {("dashboard",)}
"""Commands that another part of the program brings."""


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def compose() -> dict[str, Any]:
    (document,) = documents(DEPLOY / "compose.yaml")
    read: dict[str, Any] = document
    return read


def ours() -> list[tuple[str, dict[str, Any]]]:
    """Services that run our image."""
    return [
        (name, service)
        for name, service in compose()["services"].items()
        if "miraikakaku" in service["image"].lower()
    ]


def test_compose_keeps_its_schema() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    spec = {name: part for name, part in compose().items() if not name.startswith("x-")}
    del spec["name"]  # younger than that schema
    jsonschema.Draft7Validator(schema).validate(spec)


@pytest.mark.parametrize("name", compose()["services"])
def test_every_container_is_hardened(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert "healthcheck" in service or name in {"upgrade", "watch"}, "one ends, the other watches"
    assert ("ports" in service) == (name == "proxy"), (
        "others are reached through the proxy, which asks who it is"
    )
    assert not re.search(r":latest\b", service["image"])


def test_data_stores_cannot_be_reached_from_outside() -> None:
    services = compose()["services"]
    assert compose()["networks"]["backend"]["internal"] is True
    assert all(services[name]["networks"] == ["backend"] for name in ("postgres", "redis"))


def test_secrets_are_named_and_required() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{([A-Z_]+)", text))
    named = set(
        re.findall(r"^([A-Z_]+)=", (DEPLOY / "compose.env.example").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert asked == named | {"MIRAIKAKAKU_IMAGE"}
    secret = {name for name in asked if name.endswith(("PASSWORD", "HASH")) or name == "API_KEY"}
    assert secret
    assert all(re.search(rf"\$\{{{name}:\?", text) for name in secret), "an empty one is no start"


def commands() -> Iterator[tuple[str, list[str]]]:
    """Where a file starts a command of ours, and the command."""
    for name, service in ours():
        yield f"compose {name}", service.get("command", [])
    for path in MANIFESTS:
        for document in documents(path):
            for container in containers(document):
                yield path.name, container["args"]
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        (line,) = re.findall(r"^ExecStart=(.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        yield path.name, ["miraikakaku", *shlex.split(line)[1:]]


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    spec = document.get("spec", {}).get("template", {}).get("spec", {})
    found: list[dict[str, Any]] = spec.get("containers", [])
    return found


def test_commands_and_options_are_there() -> None:
    checked = 0
    for where, command in commands():
        if command[0] != "miraikakaku":
            assert command[0].startswith("dagster-"), where
            continue
        words = [word for word in command[1:] if not word.startswith("-")]
        path = next((tuple(words[:size]) for size in (2, 1) if tuple(words[:size]) in LEAVES), None)
        if path is None:
            assert tuple(words[:1]) in LATER, f"{where}: {command}"
            continue
        options = {option for parameter in LEAVES[path].params for option in parameter.opts}
        assert {word for word in command if word.startswith("--")} <= options, f"{where}: {command}"
        checked += 1
    assert checked >= 8


def test_settings_are_known() -> None:
    config = next(d for d in documents(DEPLOY / "kubernetes" / "namespace.yaml") if d["kind"] == "ConfigMap")
    given = {name for _, service in ours() for name in service["environment"]} | set(config["data"])
    assert given <= {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_keep_their_schemas_and_are_hardened(path: Path) -> None:
    for document in documents(path):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
        for container in containers(document):
            pod = document["spec"]["template"]["spec"]
            assert pod["automountServiceAccountToken"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert "value" not in str(container.get("env", [])), "secrets come by reference"
            if document["metadata"]["name"] in {"miraikakaku-api", "miraikakaku-dashboard"}:
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_values_for_the_chart_are_valid_where_they_are_kubernetes_own() -> None:
    (values,) = documents(DEPLOY / "kubernetes" / "helm-values.yaml")
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    (code,) = values["dagster-user-deployments"]["deployments"]
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    for part in (code, launcher, values["dagsterWebserver"], values["dagsterDaemon"]):
        names = ("resources", "securityContext", "volumeMounts", "readinessProbe")
        container = {name: part[name] for name in names if name in part} | {"name": "one", "image": "one"}
        spec = {"containers": [container], "volumes": part.get("volumes", [])}
        spec |= {"securityContext": part["podSecurityContext"]} if "podSecurityContext" in part else {}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": spec}
        kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    for part in (code, launcher):
        assert part["securityContext"]["readOnlyRootFilesystem"] is True
        assert part["envSecrets"] == [{"name": "miraikakaku"}]


def test_the_instance_with_workers_is_the_usual_one_but_for_what_is_meant() -> None:
    (usual,), (many,) = documents(ROOT / "dagster.yaml"), documents(DEPLOY / "celery" / "dagster.yaml")
    launcher = many.pop("run_launcher")
    assert launcher["module"] == "miraikakaku_assets.orchestration.celery.launcher"
    many["concurrency"]["runs"]["max_concurrent_runs"] = usual["concurrency"]["runs"]["max_concurrent_runs"]
    many["concurrency"]["pools"]["default_limit"] = usual["concurrency"]["pools"]["default_limit"]
    seconds = many["run_monitoring"]
    # RUN_LOST_AFTER, this, and a second to see to it.
    assert Settings(_env_file=None).run_lost_after + seconds["poll_interval_seconds"] < 60
    many["run_monitoring"] = usual["run_monitoring"]
    assert many == usual


def test_dockerfile() -> None:
    """What hadolint would say first, and what we promise: hashes, two stages, a user without rights."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    logical = re.sub(r"\\\n\s*", " ", text)
    steps = [line.split(maxsplit=1) for line in logical.splitlines() if line and not line.startswith("#")]
    assert {step for step, _ in steps} <= {
        *("ARG", "FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "ENTRYPOINT", "CMD")
    }
    last = max(number for number, (step, _) in enumerate(steps) if step == "FROM")
    assert sum(step == "FROM" for step, _ in steps) == 2
    runs = [words for step, words in steps if step == "RUN"]
    assert any("--require-hashes" in run and "requirements.lock" in run for run in runs)
    assert not any("http://" in run or "https://" in run or "curl" in run for run in runs)
    for run in runs:
        if "apt-get install" in run:
            assert "--no-install-recommends" in run
            assert "rm -rf /var/lib/apt/lists" in run
    final = dict(steps[last:])
    assert final["USER"] == "10001:10001"
    assert json.loads(final["ENTRYPOINT"])[0] == "tini"
    copied = [words.split() for step, words in steps if step == "COPY" and "--from" not in words]
    admitted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for *sources, _ in copied:
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in admitted, f"{source} is not in the build's context"
