"""Secrets where none belong: tokens in the tree, and the settings' own secrets anywhere but in the settings.

Tokens are found by detect-secrets: it knows how the tokens of two dozen services look, tells placeholders and
references from values, and a line can be allowed where it stands; rules of our own would be a worse copy. It only
looks, and sends nothing anywhere. The settings' own secrets are looked for as they are, which is exact.
"""

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from miraikakaku_assets.domain.errors import DependencyUnavailableError
from miraikakaku_assets.domain.security.finding import Finding, Kind, Level

TOKENS = (
    "ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "DiscordBotTokenDetector",
    "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector",
    "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
    "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
"""What has a form of its own. Entropy is not asked: digests of files and lists look the same."""
WORDS = ("BasicAuthDetector", "KeywordDetector")
"""What is only known by the word before it; tests are full of made-up ones, so these do not look there."""
_FILTERS = tuple(
    f"detect_secrets.filters.{name}"
    for name in (
        "allowlist.is_line_allowlisted", "heuristic.is_indirect_reference", "heuristic.is_lock_file",
        "heuristic.is_non_text_file", "heuristic.is_not_alphanumeric_string", "heuristic.is_potential_uuid",
        "heuristic.is_prefixed_with_dollar_sign", "heuristic.is_sequential_string", "heuristic.is_templated_secret",
    )
)  # fmt: skip
_PLACEHOLDERS = frozenset(
    {"password", "passwd", "secret", "secrets", "token", "changeme", "example", "simulated", "xxxx", "***"}
)
_TESTS = frozenset({"miraikakaku_assets_tests", "tests"})
_WRITTEN = ("reports", "logs", "dagster", "quarantine")
"""Folders of the state folder with text that people read and pass on."""
_LARGEST = 32 * 2**20
_SHORTEST = 8
"""A secret of fewer characters is a word that stands anywhere."""
_ALLOWED = "revoke it and remove it; a made-up one is marked with `# pragma: allowlist secret` on its line"


@dataclass(frozen=True)
class SecretPlaces:
    """Where secrets are looked for.

    Attributes:
        tree: The checkout, or the installed package.
        home: The state folder.
        known: Setting → its secrets.
    """

    tree: Path
    home: Path
    known: Mapping[str, Sequence[str]]

    def secrets(self) -> tuple[list[Finding], int]:
        """What was found, without a secret in it, and how many files were read.

        Raises:
            DependencyUnavailableError: detect-secrets is not installed, or git does not list the checkout.
        """
        files = _files_of(self.tree)
        findings = [_tracked(self.tree, path) for path in files if _is_env(path)]
        findings += _tokens(self.tree, files)
        values = {
            name: [value.encode() for value in secrets if len(value) >= _SHORTEST]
            for name, secrets in self.known.items()
        }
        written = list(_written(self.home))
        for path in [path for path in (*files, *written) if not _is_env(path)]:
            findings += _known(path, self.tree if path.is_relative_to(self.tree) else self.home, values)
        return findings, len(files) + len(written)


def _files_of(tree: Path) -> list[Path]:
    """Files of a checkout, those of git's that are there and those it would take up; else those of the folder."""
    git = which("git")
    if git is None or not (tree / ".git").exists():
        return sorted(path for path in tree.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    listed = subprocess.run(  # noqa: S603 - git, our own arguments
        [git, "-C", str(tree), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if listed.returncode:
        raise DependencyUnavailableError(
            f"git does not list the files of {tree}: {listed.stderr.decode(errors='replace').strip()}"
        )
    names = dict.fromkeys(listed.stdout.decode(errors="surrogateescape").split("\0"))
    return [tree / name for name in names if name and (tree / name).is_file()]


def _is_env(path: Path) -> bool:
    return path.name == ".env" or (
        path.name.startswith(".env.") and not path.name.endswith((".example", ".sample"))
    )


def _tracked(tree: Path, path: Path) -> Finding:
    name = path.relative_to(tree).as_posix()
    return Finding(
        Kind.SECRETS,
        "settings_in_repository",
        name,
        Level.HIGH,
        f"{name} holds settings and is in the repository, or would be with the next commit",
        name,
        f"`git rm --cached {name}`, add it to .gitignore, and change the secrets in it",
    )


def _tokens(tree: Path, files: Iterable[Path]) -> list[Finding]:
    try:
        from detect_secrets.core.scan import scan_file
        from detect_secrets.settings import transient_settings
    except ImportError as error:
        raise DependencyUnavailableError(
            "detect-secrets is not installed; `pip install 'miraikakaku-assets[security]'` brings it"
        ) from error
    in_tests, elsewhere = list[Path](), list[Path]()
    for path in files:
        is_test = bool(_TESTS & set(path.relative_to(tree).parts))
        (in_tests if is_test else elsewhere).append(path)
    findings = []
    for detectors, paths in ((TOKENS, in_tests), ((*TOKENS, *WORDS), elsewhere)):
        used = {
            "plugins_used": [{"name": name} for name in detectors],
            "filters_used": [{"path": name} for name in _FILTERS],
        }
        with transient_settings(used):
            for path in paths:
                if _is_env(path):
                    continue
                secrets = sorted(scan_file(str(path)), key=lambda secret: (secret.line_number, secret.type))
                findings += [
                    _token(path.relative_to(tree).as_posix(), secret.type, secret.line_number)
                    for secret in secrets
                    if (secret.secret_value or "").strip("\"'<>").lower() not in _PLACEHOLDERS
                ]
    return findings


def _token(name: str, kind: str, line: int) -> Finding:
    return Finding(
        Kind.SECRETS,
        "_".join(kind.lower().split()),
        name,
        Level.HIGH,
        f"{kind} in a file of the tree",
        f"{name}:{line}",
        _ALLOWED,
    )


def _written(home: Path) -> Iterator[Path]:
    for folder in _WRITTEN:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path


def _known(path: Path, above: Path, values: Mapping[str, Sequence[bytes]]) -> list[Finding]:
    """The settings' own secrets in a file; what cannot be read, or is too large for a text, is left out."""
    try:
        if path.stat().st_size > _LARGEST:
            return []
        content = path.read_bytes()
    except OSError:
        return []
    name = path.relative_to(above).as_posix()
    return [
        Finding(
            Kind.SECRETS,
            f"{setting.lower()}_written_down",
            name,
            Level.CRITICAL,
            f"the secret of {setting} stands in {name}",
            str(path),
            f"change the secret of {setting}, and remove the file or the line",
        )
        for setting, secrets in values.items()
        if any(secret in content for secret in secrets)
    ]
