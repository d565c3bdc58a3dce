"""Commands ``cold …``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from miraikakaku_assets.bootstrap import ports
from miraikakaku_assets.domain.errors import ConfigurationError, WorkFellShortError
from miraikakaku_assets.domain.market.instruments import UNIVERSES
from miraikakaku_assets.domain.words import counted, named_in
from miraikakaku_assets.faces.cli.output import JSON_OPTION, print_json, show_line, show_table
from miraikakaku_assets.faces.cli.progress import progress_bar
from miraikakaku_assets.faces.cli.stages import named_universes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miraikakaku_assets.application.ports.operations.cold import ColdFile

_MIB = 2**20
_COLUMNS = ("file", "month", "rows", "in force", "instruments", "MiB", "moved")
UniversesOption = Annotated[
    str, typer.Option("--universe", help=f"Comma-separated universes; available: {', '.join(UNIVERSES)}.")
]
YearsOption = Annotated[str, typer.Option("--year", help="Comma-separated years (UTC); default: all.")]
_ALL = ",".join(UNIVERSES)


def add_commands(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    cold = typer.Typer(no_args_is_help=True, help="Old five-minute bars, in files beside the database.")
    app.add_typer(cold, name="cold")
    _add_move(cold)
    _add_restore(cold)
    _add_list(cold)
    _add_verify(cold)


def _add_move(cold: typer.Typer) -> None:
    @cold.command(short_help="Moves old five-minute bars into files.")
    def move(universe_names: UniversesOption = _ALL, *, as_json: bool = JSON_OPTION) -> None:
        """Moves months of five-minute bars that are older than COLD_AFTER_DAYS into Parquet files below `cold/`.

        Each file is read back and compared before its bars leave the database; queries answer as before. `miraikakaku
        cold restore` brings them back.
        """
        from miraikakaku_assets.application.cold.move_bars import move_bars

        chosen, use = named_universes(universe_names), ports()
        with progress_bar("cold move", use.work.read, shown=not as_json, noun="part"):
            files = move_bars(use.backups.cold, chosen)
        rows = sum(file.rows for file in files)
        if as_json:
            print_json({"succeeded": True, "rows": rows, "files": list(map(_facts, files))})
            return
        show_line(f"{counted(rows, 'bar')} moved into {counted(len(files), 'file')}")
        if files:
            _show(files)


def _add_restore(cold: typer.Typer) -> None:
    @cold.command(short_help="Brings bars back into the database.")
    def restore(
        universe_names: UniversesOption = _ALL, years: YearsOption = "", *, as_json: bool = JSON_OPTION
    ) -> None:
        """Brings bars back, one transaction a file; unset COLD_AFTER_DAYS first, or the next move takes them again.

        The files stay as long as an earlier state of the database may read them; maintenance removes them then.
        """
        from miraikakaku_assets.application.cold.restore_bars import restore_bars

        chosen, wanted, use = named_universes(universe_names), _years(years), ports()
        with progress_bar("cold restore", use.work.read, shown=not as_json, noun="file"):
            restored = restore_bars(use.backups.cold, chosen, wanted)
        if as_json:
            files = list(map(_facts, restored.files))
            print_json({"succeeded": True, "rows": restored.rows, "files": files})
            return
        show_line(f"{counted(restored.rows, 'bar')} came back from {counted(len(restored.files), 'file')}")


def _add_list(cold: typer.Typer) -> None:
    @cold.command("list", short_help="Lists the files that bars are read from.")
    def list_files(
        universe_names: UniversesOption = _ALL, years: YearsOption = "", *, as_json: bool = JSON_OPTION
    ) -> None:
        """Lists the files in force; `in force` are the bars that are read from one, without those that came back."""
        from miraikakaku_assets.application.cold.restore_bars import chosen_files

        chosen, wanted, use = named_universes(universe_names), _years(years), ports()
        files = chosen_files(use.backups.cold, chosen, wanted)
        rows = sum(file.rows_in_force for file in files)
        if as_json:
            folder = str(use.backups.cold.files.folder)
            print_json({"succeeded": True, "folder": folder, "rows": rows, "files": list(map(_facts, files))})
            return
        show_line(
            f"{counted(rows, 'bar')} in {counted(len(files), 'file')} below {use.backups.cold.files.folder}"
        )
        if files:
            _show(files)


def _add_verify(cold: typer.Typer) -> None:
    @cold.command(short_help="Reads every file and compares it.")
    def verify(*, as_json: bool = JSON_OPTION) -> None:
        """Compares bytes and bars of every file with what was moved, and looks for bars that are in both places."""
        from miraikakaku_assets.application.cold.verify_files import verify_files

        use = ports()
        with progress_bar("cold verify", use.work.read, shown=not as_json, noun="file"):
            verified = verify_files(use.backups.cold)
        files, damaged = len(verified.files), verified.damaged
        if as_json:
            print_json({"succeeded": not damaged, "files": files, "damaged": dict(damaged)})
        else:
            show_line(f"{counted(files - len(damaged), 'file')} whole, {len(damaged)} damaged")
            for trouble in damaged.values():
                show_line(trouble)
        if damaged:
            raise WorkFellShortError(
                f"{counted(len(damaged), 'cold file')} of {files} cannot be read as written"
            )


def _years(text: str) -> list[int]:
    years = named_in(text)
    wrong = [year for year in years if not (year.isdecimal() and len(year) == len("2025"))]
    if wrong:
        raise ConfigurationError(f"--year {wrong[0]}: write years like 2025, with commas between them")
    return list(map(int, years))


def _show(files: "Sequence[ColdFile]") -> None:
    rows = [
        (
            file.figures.path,
            f"{file.month:%Y-%m}",
            file.rows,
            file.rows_in_force,
            file.instruments,
            file.figures.bytes / _MIB,
            f"{file.moved_at:%Y-%m-%d %H:%M} UTC",
        )
        for file in files
    ]
    show_table("cold files", _COLUMNS, rows)


def _facts(file: "ColdFile") -> dict[str, Any]:
    return {
        "path": file.figures.path,
        "universe": file.universe,
        "timeframe": str(file.timeframe),
        "month": f"{file.month:%Y-%m}",
        "rows": file.rows,
        "rows_in_force": file.rows_in_force,
        "instruments": file.instruments,
        "bytes": file.figures.bytes,
        "sha256": file.figures.sha256,
        "digest": file.digest,
        "schema_version": file.figures.schema_version,
        "moved_at": file.moved_at,
    }
