"""`parking forecast`: how good the forecast is, on a history of counts."""

import json
from pathlib import Path
from typing import Annotated

import typer

forecast_app = typer.Typer(
    help="The forecast of free spaces, and how good it is.", no_args_is_help=True, rich_markup_mode=None
)


@forecast_app.callback()
def forecast() -> None:
    """The forecast of free spaces, and how good it is."""


@forecast_app.command("evaluate")
def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV file of counts", exists=True, dir_okay=False)],
    horizons: Annotated[str, typer.Option(help="minutes ahead, 5 to 1440, with commas")] = "30,60,120,1440",
    warm_up_days: Annotated[
        int, typer.Option(min=0, max=3650, help="days that are learned from before the first is judged")
    ] = 14,
    timezone: Annotated[str, typer.Option(help="of times without an offset, and of days")] = "Europe/London",
    country: Annotated[str, typer.Option(help="whose public holidays, ISO 3166; empty for none")] = "GB",
    subdivision: Annotated[str, typer.Option(help="its part, as ENG; empty for the whole")] = "ENG",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead of tables")] = False,
    plot: Annotated[Path | None, typer.Option(help="also draw the errors into this .svg file")] = None,
    by_site: Annotated[bool, typer.Option(help="also a table of every site")] = True,
) -> None:
    """Back-test the forecast on a file of counts, beside four simple ones on the same points.

    The file has the columns SystemCodeNumber, Capacity, Occupancy and LastUpdated. At each origin only what
    was known then is used, and the weights are those learned from the days before. Errors are in percent of
    the capacity.

    Example: parking forecast evaluate occupancy.csv --plot errors.svg
    """
    from cli.evaluation import figures, show
    from cli.evaluation import run as run_evaluation
    from cli.evaluation_plot import draw

    if plot is not None:
        _check_plot(plot)
    done = run_evaluation(
        file,
        horizons_s=_horizons(horizons),
        warm_up_days=warm_up_days,
        timezone=timezone,
        country=country,
        subdivision=subdivision,
    )
    if plot is not None:
        plot.write_text(draw(done.results.overall, title=file.name), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(figures(done), indent=2, allow_nan=False))
    else:
        show(done, by_site=by_site)


def _check_plot(path: Path) -> None:
    """Before the minute of work, not after it: whether the picture can be written."""
    from parking.errors import ParkingError

    if path.suffix.lower() != ".svg":
        raise ParkingError(
            f"--plot: {str(path)!r} does not end in .svg", hint="The plot is an SVG picture, for any browser."
        )
    try:
        path.open("a").close()  # appending spares what is there
    except OSError as error:
        raise ParkingError(f"--plot: {str(path)!r} cannot be written: {error.strerror}") from error


def _horizons(text: str) -> tuple[int, ...]:
    """Seconds from minutes with commas between them."""
    from parking.errors import ParkingError

    found = []
    for part in text.split(","):
        if not part.strip().isdecimal() or not 5 <= int(part) <= 1440:
            raise ParkingError(
                f"--horizons: {part.strip()!r} is not a whole number of minutes within 5..1440"
            )
        found.append(int(part) * 60)
    return tuple(dict.fromkeys(found))
