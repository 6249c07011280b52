#!/usr/bin/env python3
"""Makes a table of members for `benchmarks/import.sh`.

    python3 benchmarks/members.py ROWS >members.csv

Running it again gives the same bytes: the seed is fixed, and only `random()` is used, the one
method whose sequence Python promises to keep between versions. Names are Georgian with their Latin
form, most of them shared by many people as in life; phones are in no order; a third has a balance.
"""

import csv
import random
import sys

LETTERS = dict(zip("აბგდევზთიკლმნოპრსტუფქღყშჩცძწჭხჯჰ", [
    "a", "b", "g", "d", "e", "v", "z", "t", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u",
    "p", "k", "gh", "q", "sh", "ch", "ts", "dz", "ts", "ch", "kh", "j", "h"]))
CONSONANTS = "ბგდვზთკლმნპრსტფქღყშჩცძწჭხჯ"
VOWELS = "აეიოუ"
ENDINGS = ["ძე", "შვილი", "ია", "უა", "იანი", "ავა"]
MOBILE = ["551", "555", "557", "558", "568", "571", "574", "577", "579", "591", "592", "593", "595",
          "596", "597", "598", "599"]
FIRST_NAMES = 300
SURNAMES = 6000


def pick(chance: random.Random, choices):
    # The first ones are common, the last ones rare.
    return choices[int(len(choices) * chance.random() ** 2)]


def syllables(chance: random.Random, count: int) -> str:
    def sign(signs: str) -> str:
        return signs[int(len(signs) * chance.random())]
    return "".join(sign(CONSONANTS) + sign(VOWELS) for _ in range(count))


def latin(name: str) -> str:
    return "".join(LETTERS[sign] for sign in name).capitalize()


def main() -> None:
    rows = int(sys.argv[1])
    chance = random.Random(1)
    first = [syllables(chance, 2) for _ in range(FIRST_NAMES)]
    last = [syllables(chance, 2) + pick(chance, ENDINGS) for _ in range(SURNAMES)]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["number", "name", "name_latin", "birth", "language", "phone", "balance"])
    for number in range(500_001, 500_001 + rows):
        name, surname = pick(chance, first), pick(chance, last)
        birth = f"{1940 + int(75 * chance.random())}-{1 + int(12 * chance.random()):02}-15"
        phone = f"+995{pick(chance, MOBILE)}{int(10**6 * chance.random()):06}"
        owes = chance.random() < 1 / 3
        balance = f"{int(20_000 * chance.random()) / 100:.2f}" if owes else ""
        table.writerow([number, f"{name} {surname}", f"{latin(name)} {latin(surname)}", birth,
                        "ka", phone, balance])


main()
