//! What can be imported, and the columns of each: their names in our own format, what their cells
//! hold, and the headings by which they are recognised in tables of others.

use serde::{Deserialize, Serialize};

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Families with a shared wallet.
    Families,
    /// People.
    Members,
    /// Who may pick a child up.
    Guardians,
    /// Operators.
    Operators,
    /// What is not held against somebody.
    Exemptions,
    /// Bands, cards and tickets.
    Credentials,
    /// Sold passes.
    Passes,
    /// What wallets hold.
    Balances,
    /// Lockers.
    Lockers,
}

/// What a cell holds, in our own format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Words, such as an id.
    Text,
    /// A name or a sentence for people.
    Name,
    /// A whole number from 0.
    Whole,
    /// An amount such as `12.50`.
    Amount,
    /// A day such as `2026-09-15`.
    Date,
    /// An instant; of a day its first one.
    Since,
    /// An instant from which something is over; of a day its end.
    Until,
    /// `true` or `false`.
    YesNo,
    /// A phone in E.164.
    Phone,
    /// What a reader reports.
    Uid,
    /// Names, separated by semicolons.
    List,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its name in our own format.
    pub(crate) name: &'static str,
    /// What its cells hold.
    pub(crate) sort: Sort,
    /// Whether no row is without it.
    pub(crate) needed: bool,
    /// How others call it, in small letters.
    pub(crate) headings: &'static [&'static str],
}

const fn column(name: &'static str, sort: Sort, headings: &'static [&'static str]) -> Column {
    Column { name, sort, needed: false, headings }
}

const fn needed(name: &'static str, sort: Sort, headings: &'static [&'static str]) -> Column {
    Column { name, sort, needed: true, headings }
}

const LANGUAGES: Sort = Sort::Word(&["ka", "hy", "ru", "en"]);
const BALANCE: &[&str] = &[
    "balance",
    "wallet",
    "deposit",
    "account balance",
    "баланс",
    "депозит",
    "остаток",
    "кошелек",
    "ბალანსი",
    "დეპოზიტი",
    "ნაშთი",
    "հաշվեկշիռ",
    "մնացորդ",
    "դեպոզիտ",
];
const NUMBER: &[&str] = &[
    "number",
    "no",
    "no.",
    "№",
    "id",
    "member",
    "member number",
    "member no",
    "client",
    "client id",
    "номер",
    "номер клиента",
    "клиент",
    "код",
    "ნომერი",
    "წევრი",
    "კლიენტი",
    "კოდი",
    "համար",
    "անդամ",
    "հաճախորդ",
    "կոդ",
];
const FROM: &[&str] = &[
    "from",
    "start",
    "start date",
    "valid from",
    "начало",
    "с",
    "дата начала",
    "действует с",
    "დაწყება",
    "დასაწყისი",
    "დან",
    "սկիզբ",
    "սկսած",
];
const UNTIL: &[&str] = &[
    "until",
    "to",
    "end",
    "end date",
    "expires",
    "valid until",
    "valid to",
    "конец",
    "по",
    "дата окончания",
    "действует до",
    "окончание",
    "დასასრული",
    "მდე",
    "ვადა",
    "ավարտ",
    "մինչև",
];
const STATE: &[&str] = &["state", "status", "статус", "состояние", "სტატუსი", "կարգավիճակ"];
const DEBT_SINCE: &[&str] =
    &["debt since", "долг с", "дата долга", "ვალი თარიღი", "պարտք", "պարտքի ամսաթիվ"];
const NAME: &[&str] = &[
    "name",
    "full name",
    "имя",
    "фио",
    "ф.и.о.",
    "имя фамилия",
    "სახელი",
    "სახელი გვარი",
    "სახელი, გვარი",
    "անուն",
    "անուն ազգանուն",
];

/// How others call the parts of a name that stand in columns of their own, in the order in which
/// they are put together: the first name, a name after it, the last name.
pub(crate) const NAME_PARTS: [&[&str]; 3] = [
    &[
        "first name",
        "firstname",
        "given name",
        "given names",
        "forename",
        "name",
        "имя",
        "სახელი",
        "անուն",
    ],
    &["middle name", "patronymic", "отчество", "მამის სახელი", "հայրանուն"],
    &["last name", "lastname", "surname", "family name", "фамилия", "გვარი", "ազգանուն"],
];

const MEMBERS: &[Column] = &[
    needed("number", Sort::Whole, NUMBER),
    needed("name", Sort::Name, NAME),
    column(
        "name_latin",
        Sort::Name,
        &[
            "name latin",
            "latin name",
            "name (latin)",
            "имя латиницей",
            "латиница",
            "ლათინურად",
            "լատիներեն",
        ],
    ),
    column(
        "birth",
        Sort::Date,
        &[
            "birth",
            "birthday",
            "birth date",
            "date of birth",
            "dob",
            "дата рождения",
            "рождение",
            "день рождения",
            "დაბადების თარიღი",
            "დაბადება",
            "ծննդյան ամսաթիվ",
            "ծնունդ",
        ],
    ),
    column("language", LANGUAGES, &["language", "lang", "язык", "ენა", "լեզու"]),
    column(
        "phone",
        Sort::Phone,
        &[
            "phone",
            "mobile",
            "telephone",
            "tel",
            "tel.",
            "телефон",
            "тел",
            "тел.",
            "мобильный",
            "ტელეფონი",
            "ტელ",
            "მობილური",
            "հեռախոս",
            "հեռ.",
            "բջջային",
        ],
    ),
    column(
        "groups",
        Sort::List,
        &["groups", "group", "группа", "группы", "ჯგუფი", "ჯგუფები", "խումբ", "խմբեր"],
    ),
    column(
        "blocked",
        Sort::YesNo,
        &["blocked", "banned", "block", "заблокирован", "блок", "დაბლოკილი", "արգելափակված"],
    ),
    column("balance", Sort::Amount, BALANCE),
    column("debt_since", Sort::Since, DEBT_SINCE),
    column(
        "certificate_until",
        Sort::Date,
        &[
            "certificate until",
            "certificate",
            "medical certificate",
            "справка до",
            "справка",
            "медсправка",
            "ცნობა",
            "ცნობის ვადა",
            "տեղեկանք",
        ],
    ),
    column("reduced_mobility", Sort::YesNo, &["reduced mobility", "wheelchair", "инвалид"]),
    column("medical", Sort::YesNo, &["medical", "medical condition", "здоровье"]),
    column("family", Sort::Name, &["family", "семья", "ოჯახი", "ընտանիք"]),
];

const CREDENTIALS: &[Column] = &[
    needed(
        "uid",
        Sort::Uid,
        &[
            "uid",
            "card",
            "band",
            "card number",
            "tag",
            "rfid",
            "карта",
            "браслет",
            "номер карты",
            "номер браслета",
            "ბარათი",
            "სამაჯური",
            "ბარათის ნომერი",
            "քարտ",
            "թևնոց",
            "քարտի համար",
        ],
    ),
    needed("member", Sort::Whole, NUMBER),
    column("state", Sort::Word(&["active", "lost", "stolen", "blocked", "returned"]), STATE),
    column("valid_from", Sort::Since, FROM),
    column("valid_until", Sort::Until, UNTIL),
    column("party_size", Sort::Whole, &["party size", "people", "человек", "ხალხი", "մարդ"]),
    column(
        "kind",
        Sort::Word(&["card", "band", "ticket"]),
        &["kind", "type", "тип", "ტიპი", "տեսակ"],
    ),
    column("adult", Sort::YesNo, &["adult", "взрослый", "ზრდასრული", "մեծահասակ"]),
    column("host", Sort::Whole, &["host", "guest of", "гость"]),
    column("pin", Sort::Text, &["pin", "пин"]),
    column("duress_pin", Sort::Text, &[]),
];

const PASSES: &[Column] = &[
    needed("member", Sort::Whole, NUMBER),
    needed(
        "tariff",
        Sort::Text,
        &[
            "tariff",
            "pass",
            "membership",
            "plan",
            "тариф",
            "абонемент",
            "ტარიფი",
            "აბონემენტი",
            "սակագին",
            "աբոնեմենտ",
        ],
    ),
    column("state", Sort::Word(&["active", "past_due", "frozen", "suspended", "cancelled"]), STATE),
    needed("valid_from", Sort::Date, FROM),
    column("valid_until", Sort::Date, UNTIL),
    column(
        "visits_left",
        Sort::Whole,
        &[
            "visits left",
            "visits",
            "remaining",
            "осталось",
            "посещений",
            "осталось посещений",
            "დარჩენილი",
            "ვიზიტები",
            "մնացած",
            "այցեր",
        ],
    ),
    column(
        "paid",
        Sort::Amount,
        &["paid", "price", "оплачено", "цена", "გადახდილი", "ფასი", "վճարված", "գին"],
    ),
];

const BALANCES: &[Column] = &[
    needed("member", Sort::Whole, NUMBER),
    needed("balance", Sort::Amount, BALANCE),
    column("debt_since", Sort::Since, DEBT_SINCE),
];

const FAMILIES: &[Column] = &[
    needed("name", Sort::Name, &["name", "family", "семья", "ოჯახი", "ընտանիք"]),
    column("balance", Sort::Amount, BALANCE),
];

const GUARDIANS: &[Column] = &[
    needed("child", Sort::Whole, &["child", "ребенок", "ბავშვი", "երեխա"]),
    needed("guardian", Sort::Whole, &["guardian", "parent", "родитель", "მშობელი", "ծնող"]),
];

const OPERATORS: &[Column] = &[
    needed("login", Sort::Text, &["login", "логин"]),
    column("roles", Sort::List, &["roles", "role", "роль", "როლი", "դեր"]),
    column("band", Sort::Uid, &["band", "card"]),
    column("pin", Sort::Text, &["pin", "пин"]),
    column("member", Sort::Whole, &["member"]),
];

const EXEMPTIONS: &[Column] = &[
    column("member", Sort::Whole, NUMBER),
    column("group", Sort::Text, &["group", "группа", "ჯგუფი", "խումբ"]),
    needed("codes", Sort::List, &["codes", "code"]),
    column("zones", Sort::List, &["zones", "zone"]),
    needed("valid_from", Sort::Date, FROM),
    needed("valid_until", Sort::Date, UNTIL),
    needed("reason", Sort::Name, &["reason", "причина", "მიზეზი", "պատճառ"]),
    column("granted_by", Sort::Name, &["granted by"]),
];

const LOCKERS: &[Column] = &[
    needed("id", Sort::Text, &["id", "locker", "number", "шкаф", "шкафчик", "კარადა", "պահարան"]),
    needed("bank", Sort::Text, &["bank"]),
    needed("zone", Sort::Text, &["zone"]),
];

impl Kind {
    /// Its word, in files and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Families => "families",
            Self::Members => "members",
            Self::Guardians => "guardians",
            Self::Operators => "operators",
            Self::Exemptions => "exemptions",
            Self::Credentials => "credentials",
            Self::Passes => "passes",
            Self::Balances => "balances",
            Self::Lockers => "lockers",
        }
    }

    /// Its columns.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Families => FAMILIES,
            Self::Members => MEMBERS,
            Self::Guardians => GUARDIANS,
            Self::Operators => OPERATORS,
            Self::Exemptions => EXEMPTIONS,
            Self::Credentials => CREDENTIALS,
            Self::Passes => PASSES,
            Self::Balances => BALANCES,
            Self::Lockers => LOCKERS,
        }
    }

    /// The column of this name.
    pub(crate) fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// The columns that name people by their numbers.
    pub(crate) const fn people(self) -> &'static [&'static str] {
        match self {
            Self::Members => &["number"],
            Self::Guardians => &["child", "guardian"],
            Self::Credentials => &["member", "host"],
            Self::Operators | Self::Exemptions | Self::Passes | Self::Balances => &["member"],
            Self::Families | Self::Lockers => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_names_every_column() {
        let manual = include_str!("../../../docs/import.md");
        let kinds = <Kind as clap::ValueEnum>::value_variants();
        for kind in kinds {
            let name = |column: &Column| match column.needed {
                true => format!("**{}**", column.name),
                false => column.name.to_owned(),
            };
            let names: Vec<_> = kind.columns().iter().map(name).collect();
            let line = format!("| `{}` | {} |", kind.name(), names.join(", "));
            assert!(manual.contains(&line), "docs/import.md lacks:\n{line}");
        }
    }
}
