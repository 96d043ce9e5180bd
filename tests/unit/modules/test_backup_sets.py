"""What names and manifests say of backups, and which of them may go."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxtplay.core.host import Failed
from nxtplay.modules import _backup
from nxtplay.modules._backup import BackupSet, Rules

NOW = datetime.datetime(2025, 11, 13, 2, 0, 0)


def made(days_ago: int, *, good: bool = True, hour: int = 0) -> BackupSet:
    when = (NOW - datetime.timedelta(days=days_ago)).replace(hour=hour, minute=0)
    stamp = f"{when:%Y%m%d}" if not hour else f"{when:%Y%m%d_%H%M%S}"
    return BackupSet(stamp, when, (f"nxtbus_{stamp}.dump",), problem="" if good else "cut short")


def stamps(sets: list[BackupSet]) -> list[str]:
    return [one.stamp for one in sets]


@pytest.mark.parametrize(
    ("name", "label", "stamp"),
    [
        ("nxtbus_20251113.sql.gz", "nxtbus", "20251113"),
        ("redis_20251113_020000.rdb", "redis", "20251113_020000"),
        ("my_app_20251113.dump.enc", "my_app", "20251113"),
        ("nxtbus_20251113.manifest.json", "nxtbus", "20251113"),
    ],
)
def test_names_are_read(name: str, label: str, stamp: str) -> None:
    found = _backup.NAME.match(name)
    assert found and (found["label"], found["stamp"]) == (label, stamp)


@pytest.mark.parametrize("name", ["nxtbus.dump", "nxtbus_2025.dump", ".nxtplay-abc", "nxtbus_20251113", "nxtbus-20251113.dump"])
def test_other_names_are_left_alone(name: str) -> None:
    assert not _backup.NAME.match(name)


def test_what_is_no_date_is_no_stamp() -> None:
    assert _backup.parse_stamp("20251313") is None and _backup.parse_stamp("20251113_250000") is None


def test_thirty_days_with_gaps_and_what_is_older() -> None:
    ages = [45, 44, 40, 31, 30, 29, 12, 5, 1, 0]
    going = _backup.victims([made(age) for age in ages], Rules(days=30), NOW)
    assert stamps(going) == stamps([made(age) for age in (45, 44, 40, 31)])


def test_weeks_and_months_beyond_the_days_keep_the_newest_of_each() -> None:
    sets = [made(age) for age in range(400, -1, -1)]
    going = {one.stamp for one in _backup.victims(sets, Rules(days=7, weekly=4, monthly=6), NOW)}
    kept = [one for one in sets if one.stamp not in going]
    months = {one.stamp[:6] for one in kept}
    assert months == {"202511", "202510", "202509", "202508", "202507", "202506"}
    assert stamps(kept)[:5] == ["20250630", "20250731", "20250831", "20250930", "20251026"]


def test_a_long_gap_does_not_cost_the_last_good_one() -> None:
    assert _backup.victims([made(300), made(290), made(100)], Rules(days=30), NOW) == [made(300), made(290)]


def test_what_is_cut_short_does_not_count_as_the_newest() -> None:
    assert stamps(_backup.victims([made(90), made(60), made(40, good=False)], Rules(days=30), NOW)) == stamps([made(90), made(40)])


ages = st.lists(st.tuples(st.integers(-3, 800), st.booleans(), st.integers(0, 23)), max_size=60, unique_by=lambda t: (t[0], t[2]))
rules = st.builds(Rules, *[st.integers(0, 40)] * 6)


@given(ages, rules)
def test_laws_of_retention(found: list[tuple[int, bool, int]], wanted: Rules) -> None:
    sets = sorted((made(age, good=good, hour=hour) for age, good, hour in found), key=lambda one: (one.when, one.stamp))
    going = _backup.victims(sets, wanted, NOW)
    left = [one for one in sets if one not in going]
    good = [one for one in sets if one.good]
    assert not good or good[-1] in left, "the newest good one"
    assert not (going and not good), "nothing goes where nothing is known to be good"
    young = NOW.date() - datetime.timedelta(days=wanted.days)
    assert all(one in left for one in sets if one.when.date() >= young)
    assert _backup.victims(left, wanted, NOW) == [], "pruning twice removes nothing more"
    assert len([one for one in good if one in left]) >= min(len(good), max(wanted.last, 1))


def test_the_future_is_told_from_a_clock_set_back_by_an_hour() -> None:
    ahead = BackupSet("20251113_033000", NOW + datetime.timedelta(hours=1.5), ())
    far = BackupSet("20251115", NOW + datetime.timedelta(days=2), ())
    assert _backup.from_the_future([made(1), ahead, far], NOW) == [far]


def test_picking() -> None:
    sets = [made(3), made(2), made(2, hour=5), made(1, good=False)]
    assert _backup.pick(sets, "newest") == made(2, hour=5)
    assert _backup.pick(sets, made(2).stamp) == made(2)
    assert _backup.pick(sets, "2025-11-11") == made(2, hour=5)
    assert _backup.pick(sets, "20251112") == made(1, good=False)  # asked for by name: that it is not good is told by who asks
    with pytest.raises(Failed, match=r"no backup '20251101'; the last good ones are 20251110"):
        _backup.pick(sets, "20251101")
    with pytest.raises(Failed, match="none of the 1 backups is good"):
        _backup.pick([made(1, good=False)], "newest")
