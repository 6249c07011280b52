#!/usr/bin/env python3
"""Makes the people of the swimming pool: members, bands, passes and lockers.

    python3 examples/generate.py [FOLDER]      (default: the example's own data folder)

Running it again gives the same bytes: the seed is fixed, and only `random()` is used, the one
method whose sequence Python promises to keep between versions. All people are invented. The
first two dozen, the cast, are written by hand, so that demonstrations and tests can name them.
"""

import csv
import random
import sys
from datetime import date, timedelta
from pathlib import Path

PEOPLE = 500
FIRST_NUMBER = 1001
# A Tuesday on which most passes are valid.
DAY = date(2026, 9, 15)

MEN = """გიორგი ლუკა ნიკა დავით ლევან ირაკლი ზურაბ თორნიკე საბა მამუკა ვახტანგ გიგა ალექსანდრე
    თემურ ბექა ზაზა ოთარ მერაბ რევაზ შოთა კახა ნოდარ არჩილ გურამ ვაჟა""".split()
WOMEN = """ნინო მარიამ თამარ ანა ეკა ქეთევან ნათია სალომე ლიკა მაკა თეა ხათუნა ნანა ლელა ბარბარე
    ელენე მზია დალი ეთერ ნატო რუსუდან თინათინ ია მაია სოფიო""".split()
SURNAMES = """ბერიძე კაპანაძე გელაშვილი მამედოვი ლომიძე ხუციშვილი წიკლაური ჩხეიძე ნოზაძე
    კვარაცხელია ჯავახიშვილი მაისურაძე აბაშიძე გიორგაძე ცერცვაძე ქავთარაძე შენგელია ჭანტურია
    დოლიძე ბოლქვაძე ფირცხალავა ღლონტი ყიფიანი ძიძიგური ჟვანია თევზაძე სირაძე რამიშვილი
    ოქრუაშვილი ჰარუთინოვი ზაქარაია ელიავა ვაშაძე უგულავა ინასარიძე""".split()
ARMENIANS = [
    ("Արամ Սարգսյան", "Aram Sargsyan"), ("Անի Հակոբյան", "Ani Hakobyan"),
    ("Տիգրան Պետրոսյան", "Tigran Petrosyan"), ("Մարիամ Գրիգորյան", "Mariam Grigoryan"),
    ("Կարեն Հարությունյան", "Karen Harutyunyan"), ("Լիլիթ Մկրտչյան", "Lilit Mkrtchyan"),
    ("Վահե Ղազարյան", "Vahe Ghazaryan"), ("Նարե Խաչատրյան", "Nare Khachatryan"),
    ("Հայկ Ավետիսյան", "Hayk Avetisyan"), ("Սոնա Մանուկյան", "Sona Manukyan"),
]
RUSSIANS = [
    ("Анна Соколова", "Anna Sokolova"), ("Игорь Морозов", "Igor Morozov"),
    ("Екатерина Лебедева", "Ekaterina Lebedeva"), ("Дмитрий Орлов", "Dmitry Orlov"),
    ("Ольга Киселёва", "Olga Kiseleva"), ("Максим Жуков", "Maksim Zhukov"),
    ("Юлия Щербакова", "Yulia Shcherbakova"), ("Артём Фёдоров", "Artem Fedorov"),
    ("Наталья Быкова", "Natalya Bykova"), ("Сергей Цветков", "Sergey Tsvetkov"),
]
FOREIGNERS = ["Emma Clarke", "Jonas Weber", "Lucía Romero", "Owen Price", "Hanna Lindqvist"]

# The national romanisation of 2002 without apostrophes, as passports write it.
LATIN = dict(zip(
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h".split(),
))

MEMBER_COLUMNS = ("number,name,name_latin,birth,language,phone,groups,blocked,balance,"
                  "debt_since").split(",")
CREDENTIAL_COLUMNS = "uid,member,state,valid_from,valid_until,party_size".split(",")
PASS_COLUMNS = "member,tariff,state,valid_from,valid_until,visits_left".split(",")

# The cast: name, birth, language, groups, blocked, balance, debt since, bands, passes.
# A band is (uid, state) or (uid, state, party size); a pass is (tariff, state, from, to, visits).
CAST = [
    ("ნინო ბერიძე", "1991-04-12", "ka", "", False, "25.00", "",
     [("04A1B2C3D4E580", "active")], [("month", "active", "2026-09-01", "2026-09-30", "")]),
    ("გიორგი ლომიძე", "1984-11-03", "ka", "", False, "-18.50", "2026-09-02T19:40:00+04:00",
     [("04B7320AC95E81", "active")], [("month", "active", "2026-09-01", "2026-09-30", "")]),
    ("თამარ ჩხეიძე", "1996-07-21", "ka", "", False, "-3.20", "2026-09-14T20:05:00+04:00",
     [("04C65F118A2680", "active")], [("month", "active", "2026-09-05", "2026-10-04", "")]),
    ("ლევან წიკლაური", "1978-02-17", "ka", "", False, "0.00", "",
     [("0469D0F27B3C81", "active")], [("month", "active", "2026-08-01", "2026-08-31", "")]),
    ("ქეთევან აბაშიძე", "1989-09-30", "ka", "", False, "12.00", "",
     [("9F3C21D7", "active")], [("month", "active", "2026-08-14", "2026-09-13", "")]),
    ("დავით ხუციშვილი", "1993-12-08", "ka", "", False, "0.00", "",
     [("04D81E56A07780", "active")], [("month", "frozen", "2026-09-01", "2026-09-30", "")]),
    ("მარიამ კაპანაძე", "1999-03-25", "ka", "", False, "6.00", "",
     [("04E24B9C3F1081", "lost"), ("04E24B9C3F5580", "active")],
     [("month", "active", "2026-09-10", "2026-10-09", "")]),
    ("ზურაბ ჭანტურია", "1970-06-14", "ka", "", False, "0.00", "",
     [("B07E4415", "stolen")], [("month", "active", "2026-09-01", "2026-09-30", "")]),
    ("ირაკლი ნოზაძე", "1987-01-19", "ka", "", True, "40.00", "",
     [("04F90D61E82B80", "active")], [("month", "active", "2026-09-01", "2026-09-30", "")]),
    ("ანა გელაშვილი", "1994-10-02", "ka", "", False, "15.00", "",
     [("041A7C3E905D81", "active")], [("pack-10", "active", "2026-07-20", "2026-12-31", "1")]),
    ("ნიკა მაისურაძე", "1998-05-11", "ka", "", False, "15.00", "",
     [("042B8D4FA16E80", "active")], [("pack-10", "active", "2026-06-01", "2026-12-31", "0")]),
    ("სალომე გიორგაძე", "2000-08-28", "ka", "", False, "50.00", "",
     [("5D12E89A", "active")], [("single", "active", "2026-01-01", "", "")]),
    ("ბექა დოლიძე", "1995-04-04", "ka", "", False, "4.50", "",
     [("6E23F9AB", "active")], [("single", "active", "2026-01-01", "", "")]),
    ("მზია შენგელია", "1952-03-08", "ka", "seniors", False, "10.00", "",
     [("043C9E50B27F81", "active")], [("morning", "active", "2026-09-01", "2026-09-30", "")]),
    ("ლუკა ქავთარაძე", "2015-05-16", "ka", "swim-kids", False, "5.00", "",
     [("044DAF61C38080", "active")],
     [("swim-school", "active", "2026-09-01", "2026-12-31", "")]),
    ("ელენე ყიფიანი", "2005-02-27", "ka", "students", False, "20.00", "",
     [("045EB072D49181", "active")],
     [("month", "active", "2026-09-07", "2026-10-06", ""),
      ("sauna", "active", "2026-09-07", "2026-10-06", "")]),
    ("მამუკა ბოლქვაძე", "1982-07-07", "ka", "staff", False, "0.00", "",
     [("046FC183E5A280", "active")], [("staff", "active", "2024-01-01", "", "")]),
    ("სოფიო ღლონტი", "1986-09-19", "ka", "staff", False, "0.00", "",
     [("0470D294F6B381", "active"), ("7F340ABC", "active", 12)],
     [("staff", "active", "2023-03-01", "", "")]),
    ("Արմեն Վարդանյան", "1990-06-23", "hy", "", False, "8.00", "",
     [("0481E3A507C480", "active")], [("month", "active", "2026-09-12", "2026-10-11", "")]),
    ("Мария Новикова", "1988-12-15", "ru", "", False, "-9.00", "2026-06-20T11:00:00+04:00",
     [("0492F4B618D581", "active")], [("month", "past_due", "2026-09-01", "2026-09-30", "")]),
    ("Oliver Grant", "1979-10-10", "en", "", False, "30.00", "",
     [("8045B1CD", "active")], [("sauna", "active", "2026-09-01", "2026-09-30", "")]),
    ("ვაჟა ინასარიძე", "1966-01-30", "ka", "", False, "0.00", "",
     [("04A305C729E680", "blocked")], [("gym", "active", "2026-09-01", "2026-09-30", "")]),
    ("ხათუნა თევზაძე", "1983-08-18", "ka", "", False, "0.00", "",
     [("04B416D83AF781", "active")], []),
    ("თორნიკე სირაძე", "2001-11-11", "ka", "students", False, "0.00", "", [],
     [("month", "active", "2026-09-15", "2026-10-14", "")]),
]
CAST_LATIN = {"Արմեն Վարդանյան": "Armen Vardanyan", "Мария Новикова": "Maria Novikova"}


class Town:
    """Everybody and everything that was made so far."""

    def __init__(self, seed):
        self.draw = random.Random(seed).random
        self.members, self.credentials, self.passes = [], [], []
        self.uids = {band[0] for person in CAST for band in person[7]}

    def below(self, bound):
        return int(self.draw() * bound)

    def one_of(self, things):
        return things[self.below(len(things))]

    def day_between(self, first, last):
        return first + timedelta(days=self.below((last - first).days + 1))

    def uid(self):
        """NXP bands have 7 bytes and begin with 04; older cards have 4."""
        while True:
            bands = self.draw() < 0.8
            digits = "".join("0123456789ABCDEF"[self.below(16)] for _ in range(12 if bands else 8))
            uid = "04" + digits if bands else digits
            if uid not in self.uids:
                self.uids.add(uid)
                return uid

    def add(self, person, latin, bands, passes):
        """Adds a person: name, birth, language, groups, blocked, balance, debt since."""
        name, birth, language, groups, blocked, balance, debt_since = person
        number = FIRST_NUMBER + len(self.members)
        adult = date.fromisoformat(birth) <= DAY.replace(year=DAY.year - 14)
        phone = f"+9955000{self.below(100_000):05}" if adult else ""
        self.members.append([number, name, latin, birth, language, phone, groups,
                             "true" if blocked else "false", balance, debt_since])
        for uid, state, *rest in bands:
            party = rest[0] if rest else 1
            self.credentials.append([uid, number, state, "", "", party])
        self.passes.extend([number, *sold] for sold in passes)


def romanised(name):
    return " ".join("".join(LATIN[c] for c in word).capitalize() for word in name.split())


def month_after(day):
    """The last day of a pass of one month that begins on `day`."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, 28)) - timedelta(days=1)


def group_of(place):
    """The generated people by their place in the plan: who they are, in fixed shares."""
    for group, last in (("staff", 16), ("swim-kids", 80), ("students", 150), ("seniors", 195)):
        if place < last:
            return group
    return ""


def person(town, group):
    """Name, its romanisation and the language of one person."""
    kind = town.draw()
    if group == "" and kind < 0.07:
        return *town.one_of(ARMENIANS), "hy"
    if group == "" and kind < 0.15:
        return *town.one_of(RUSSIANS), "ru"
    if group == "" and kind < 0.18:
        name = town.one_of(FOREIGNERS)
        return name, name, "en"
    name = f"{town.one_of(MEN if town.draw() < 0.5 else WOMEN)} {town.one_of(SURNAMES)}"
    return name, romanised(name), "ka"


def birth(town, group):
    years = {"staff": (1970, 2002), "swim-kids": (2013, 2019), "students": (2002, 2008),
             "seniors": (1944, 1960), "": (1962, 2004)}[group]
    return town.day_between(date(years[0], 1, 1), date(years[1], 12, 31)).isoformat()


def pass_state(town):
    kind = town.draw()
    for state, share in (("frozen", 0.02), ("suspended", 0.025), ("past_due", 0.035),
                         ("cancelled", 0.04)):
        if kind < share:
            return state
    return "active"


def monthly(town, tariff):
    """A pass of one month: nine of ten are valid on the day, some are over, a few begin later."""
    kind = town.draw()
    if kind < 0.05:
        first = town.day_between(DAY - timedelta(days=70), DAY - timedelta(days=32))
    elif kind < 0.07:
        first = DAY + timedelta(days=1 + town.below(5))
    else:
        first = town.day_between(DAY - timedelta(days=27), DAY)
    return tariff, pass_state(town), first.isoformat(), month_after(first).isoformat(), ""


def pack(town):
    """Ten visits, good for half a year; some are used up or nearly."""
    first = town.day_between(DAY - timedelta(days=120), DAY)
    kind = town.draw()
    left = 0 if kind < 0.04 else 1 + town.below(2) if kind < 0.2 else 3 + town.below(8)
    last = first + timedelta(days=182)
    return "pack-10", pass_state(town), first.isoformat(), last.isoformat(), left


def sold_to(town, group):
    """The passes of one person."""
    kind = town.draw()
    if group == "staff":
        return [("staff", "active", town.day_between(date(2021, 1, 1), DAY).isoformat(), "", "")]
    if group == "swim-kids":
        return [("swim-school", pass_state(town), "2026-09-01", "2026-12-31", "")]
    if group == "seniors" and kind < 0.7:
        return [monthly(town, "morning")]
    if group == "" and kind < 0.2:
        first = town.day_between(date(2025, 1, 1), DAY)
        return [("single", "active", first.isoformat(), "", "")]
    if kind < 0.4:
        passes = [pack(town)]
    elif kind < 0.47:
        passes = [monthly(town, "gym")]
    elif kind < 0.55:
        passes = [monthly(town, "morning")]
    else:
        passes = [monthly(town, "month")]
    if town.draw() < 0.15:
        passes.append(monthly(town, "sauna"))
    return passes


def wallet(town, passes):
    """The balance and, below zero, since when."""
    kind = town.draw()
    if kind < 0.05:
        since = town.day_between(DAY - timedelta(days=60), DAY - timedelta(days=1))
        minute = f"{8 + town.below(13):02}:{town.below(60):02}"
        return money(-(150 + 10 * town.below(400))), f"{since.isoformat()}T{minute}:00+04:00"
    pays_at_the_gate = any(sold[0] == "single" for sold in passes)
    if pays_at_the_gate:
        return money(50 * town.below(120)), ""
    return money(0 if kind < 0.55 else 50 * town.below(80)), ""


def money(minor):
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02}"


def bands_of(town):
    """One band; sometimes a lost one before it, sometimes nothing that opens."""
    kind = town.draw()
    if kind < 0.01:
        return []
    if kind < 0.05:
        return [(town.uid(), "lost"), (town.uid(), "active")]
    if kind < 0.07:
        return [(town.uid(), town.one_of(["lost", "blocked", "returned"]))]
    return [(town.uid(), "active")]


def populate(town):
    for name, born, language, groups, blocked, balance, since, bands, passes in CAST:
        latin = CAST_LATIN.get(name) or (romanised(name) if language == "ka" else name)
        row = (name, born, language, groups, blocked, balance, since)
        town.add(row, latin, bands, passes)
    for place in range(PEOPLE - len(CAST)):
        group = group_of(place)
        name, latin, language = person(town, group)
        passes = sold_to(town, group)
        balance, since = wallet(town, passes)
        row = (name, birth(town, group), language, group, False, balance, since)
        town.add(row, latin, bands_of(town), passes)


def lockers():
    for letter, bank in (("A", "bank-a"), ("B", "bank-b")):
        for place in range(1, 61):
            yield [f"{letter}{place:02}", bank, "hall"]


def write(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        lines.writerows(rows)


def main():
    default = Path(__file__).resolve().parent / "swimming-pool" / "data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    town = Town(seed=20260915)
    populate(town)
    write(folder / "members.csv", MEMBER_COLUMNS, town.members)
    write(folder / "credentials.csv", CREDENTIAL_COLUMNS, town.credentials)
    write(folder / "passes.csv", PASS_COLUMNS, town.passes)
    write(folder / "lockers.csv", ["id", "bank", "zone"], lockers())


if __name__ == "__main__":
    main()
