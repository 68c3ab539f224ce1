"""The outlook between its points."""

from datetime import UTC, datetime, timedelta

from parking.outlook import NoForecasts, Outlook, OutlookPoint

MADE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def outlook() -> Outlook:
    points = tuple(
        OutlookPoint(
            at=MADE + timedelta(minutes=minutes), free=free, low=free - 2, high=free + 4, chance=chance
        )
        for minutes, free, chance in ((5, 10.0, 1.0), (15, 20.0, 0.5), (30, 5.0, 0.25))
    )
    return Outlook(site="a", made_at=MADE, capacity=30, points=points, basis="history", why="As usual.")


def test_between_two_points_the_outlook_is_on_the_line() -> None:
    moment = MADE + timedelta(minutes=10)

    assert outlook().at(moment) == OutlookPoint(at=moment, free=15.0, low=13.0, high=19.0, chance=0.75)


def test_a_point_is_itself() -> None:
    made = outlook()

    assert [made.at(point.at) for point in made.points] == list(made.points)


def test_outside_of_the_points_nothing_is_foretold() -> None:
    made = outlook()

    assert made.at(MADE + timedelta(minutes=4)) is None
    assert made.at(MADE + timedelta(minutes=31)) is None


def test_without_points_nothing_is_foretold() -> None:
    nothing = Outlook(site="a", made_at=MADE, capacity=30, points=(), basis="nothing", why="No counts.")

    assert nothing.at(MADE) is None
    assert NoForecasts().of("a") is None
