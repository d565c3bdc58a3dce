"""Facts from this machine: secrets in files, modes, open ports, and the source of this program."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from miraikakaku_assets.adapters.security.local_facts import LocalFacts
from miraikakaku_assets.adapters.security.secret_scan import SecretPlaces
from miraikakaku_assets.adapters.security.source_scan import source_weaknesses
from miraikakaku_assets.bootstrap.security import known_secrets
from miraikakaku_assets.domain.security.database_roles import DatabaseAccess
from miraikakaku_assets.domain.security.exposure import Listener, listening_findings, permission_findings
from miraikakaku_assets.domain.security.finding import Finding, Level
from miraikakaku_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TOKEN = (
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
)  # made up; put together, so that no scan of this tree finds it
PASSWORD = "correct-horse-battery"  # noqa: S105
KNOWN = {"EMAIL_PASSWORD": (PASSWORD,)}


def brief(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return sorted((finding.rule, finding.place, finding.level.value) for finding in findings)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one harmless file."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.py").write_text('url = "postgresql://user:password@host/db"\nkind = "SECRETS"\n')
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "-q", str(folder)], check=True)
    return folder


def test_a_token_in_the_tree_is_found_and_never_repeated(tree: Path, tmp_path: Path) -> None:
    (tree / "b.py").write_text(f'x = 1\nkey = "{TOKEN}"\n')
    (tree / "c.py").write_text(f'key = "{TOKEN}"  # pragma: allowlist secret\n')
    (tree / "d.yaml").write_text("url: https://reader:" + "Tr0ub4dor@host.example/\n")

    found, files = SecretPlaces(tree, tmp_path / "home", {}).secrets()

    assert brief(found) == [
        ("basic_auth_credentials", "d.yaml:1", "high"),
        ("github_token", "b.py:2", "high"),
    ]
    assert files == 4
    assert TOKEN not in repr(found)


def test_settings_that_git_would_take_up_are_found(tree: Path, tmp_path: Path) -> None:
    (tree / ".env").write_text(f"EMAIL_PASSWORD={PASSWORD}\n")
    places = SecretPlaces(tree, tmp_path / "home", KNOWN)

    (found,) = places.secrets()[0]
    assert (found.rule, found.target) == ("settings_in_repository", ".env")
    (tree / ".gitignore").write_text(".env\n")
    assert places.secrets()[0] == []


def test_a_secret_of_the_settings_is_found_wherever_it_was_written(tree: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for place in ("logs/daemon.log", "reports/a/b.json", "postgres/base"):
        path = home / place
        path.parent.mkdir(parents=True)
        path.write_text(f"password {PASSWORD} refused")

    found, _ = SecretPlaces(tree, home, KNOWN).secrets()

    assert {(finding.rule, finding.target, finding.level) for finding in found} == {
        ("email_password_written_down", "logs/daemon.log", Level.CRITICAL),
        ("email_password_written_down", "reports/a/b.json", Level.CRITICAL),
    }
    assert PASSWORD not in repr(found)


def test_what_is_secret_about_settings_is_known() -> None:
    settings = Settings(
        _env_file=None,
        database_url="postgresql://owner:p%40ssw0rd-long@host/db",
        discord_webhook_url="https://discord.com/api/webhooks/123/abcdefghijklmnopqrstuvwxyz",
    )

    known = known_secrets(settings)

    assert known["DATABASE_URL"] == ("p@ssw0rd-long",)
    assert known["DISCORD_WEBHOOK_URL"] == ("abcdefghijklmnopqrstuvwxyz",)


def facts(tmp_path: Path) -> LocalFacts:
    access = DatabaseAccess("owner", False, False, "", False)  # noqa: FBT003
    places = SecretPlaces(tmp_path, tmp_path, {})
    return LocalFacts(tmp_path, places, tmp_path, tmp_path / "home", False, lambda: access)  # noqa: FBT003


def test_modes_are_those_of_the_files(tmp_path: Path) -> None:
    backups = tmp_path / "home" / "backups"
    backups.mkdir(parents=True)
    for path, mode in ((tmp_path / ".env", 0o644), (backups / "one.dump", 0o600)):
        path.write_text("x")
        path.chmod(mode)
    (tmp_path / "home").chmod(0o700)
    backups.chmod(0o750)

    found = permission_findings(facts(tmp_path).modes())

    assert brief(found) == [
        ("readable_by_others", str(tmp_path / ".env"), "high"),
        ("readable_by_others", str(backups), "high"),
    ]


def test_a_process_of_this_environment_that_others_reach_is_found(tmp_path: Path) -> None:
    program = (
        "import socket, sys; names = ('127.0.0.1', '0.0.0.0');"
        "made = [socket.create_server((name, 0)) for name in names];"
        "print(*(one.getsockname()[1] for one in made), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        near, far = map(int, process.stdout.readline().split())
        listeners = [each for each in facts(tmp_path).listeners() if each.pid == process.pid]
        process.communicate("")

    everywhere = "0.0.0.0"  # noqa: S104
    assert {(each.address, each.port) for each in listeners} == {("127.0.0.1", near), (everywhere, far)}
    (found,) = listening_findings(listeners)
    assert found.details["port"] == far


def test_processes_are_called_by_what_they_are() -> None:
    from miraikakaku_assets.adapters.security.local_facts import _program

    python = "/venv/bin/python"
    assert _program([python, "-m", "dagster_webserver", "-h", "127.0.0.1"]) == "web UI"
    assert _program([python, "-m", "dagster._daemon", "run"]) == "daemon"
    assert _program([python, "-m", "dagster", "api", "grpc"]) == "code server"
    assert _program([python, "/venv/bin/miraikakaku", "simulate", "--port", "1"]) == "miraikakaku simulate"
    assert Listener("web UI", 1, "::1", 3000).is_read_only is False


def test_a_weakness_of_the_source_is_found_by_file_and_rule(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("import subprocess\nsubprocess.call(name, shell=True)\n")
    (package / "b.py").write_text("query = f'SELECT 1 FROM {TABLE}'\n")

    found, files = source_weaknesses(package)

    assert [(finding.rule, finding.place, finding.level) for finding in found] == [
        ("B602_subprocess_popen_with_shell_equals_true", "package/a.py:2", Level.HIGH)
    ]
    assert files == 2


@pytest.mark.slow
def test_this_tree_has_no_finding_and_needs_no_baseline(tmp_path: Path) -> None:
    weaknesses, _ = source_weaknesses(ROOT / "miraikakaku_assets")
    secrets, _ = SecretPlaces(ROOT, tmp_path, {}).secrets()

    assert brief(weaknesses) == []
    assert brief(secrets) == []
