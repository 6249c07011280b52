//! What can be asked of a till. What is asked of a daemon is written to its socket as it stands
//! here.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use serde::{Deserialize, Serialize};

use super::{
    registry::{Looked, Ordered},
    yes_no,
};

/// What `kari till` takes.
#[derive(Debug, Args)]
pub(crate) struct TillArgs {
    /// The language of receipts and reports: ka, hy, ru or en.
    #[arg(long, global = true, default_value = "en")]
    pub(crate) language: String,
    /// What.
    #[command(subcommand)]
    pub(crate) what: TillCommand,
}

/// What can be done at a till. Amounts are written as 12.50, in the site's currency.
#[derive(Debug, Subcommand)]
pub(crate) enum TillCommand {
    /// Sell a basket: all of it, or nothing where a line is refused.
    #[command(after_help = "Examples:
  kari till sell my-pool --item water=2 --item towel --discount 10 --cash \\
      --operator nino --terminal till-1
  kari till sell my-pool --pass month --to 5D12E89A --card --operator …
  kari till sell my-pool --pass day-guest --deposit --to 0400AA01 --cash 20.00 --card --operator …
  kari till sell my-pool --item water --to 5D12E89A --wallet --operator …

Lines are numbered in the order in which they are given. `--discount`, `--price` and `--for` are
about the line before them. `--cash`, `--card` and `--wallet` pay the rest where no amount follows;
cash is rounded to the smallest coin.")]
    Sell(Ordered<Sell>),
    /// Put money into a wallet.
    #[command(after_help = "Example:
  kari till topup my-pool 5D12E89A 20.00 --cash --operator nino --terminal till-1")]
    Topup(Ordered<Wallet>),
    /// Pay money out of a wallet.
    Refund(Ordered<Wallet>),
    /// Take a debt's payment, in whole or in part, the oldest first.
    PayDebt(Ordered<Wallet>),
    /// Take a receipt back as a whole, in the session that it was made in.
    #[command(after_help = "Example:
  kari till void my-pool till-1/17 --reason 'wrong guest' --operator nino --terminal till-1")]
    Void(Ordered<Void>),
    /// Take goods of a receipt back, within 90 days.
    #[command(after_help = "Example, two of the first line and one of the third:
  kari till return my-pool till-1/17 1=2 3=1 --cash --reason torn --operator … --terminal …")]
    Return(Ordered<Return>),
    /// Take a wrong charge of a gate or locker back: an entry that reverses it, with a reason.
    #[command(after_help = "Example, with an entry that `kari till statement` shows:
  kari till correct my-pool 0199c0de-… --reason 'the gate did not turn' --operator … --terminal …

It needs the right balance_adjust, and a second person unless the rules say otherwise. What was paid
goes into the wallet, what is still unpaid is owed no more.")]
    Correct(Ordered<Correct>),
    /// Show what is in a wallet, what is owed, and what moved them, the latest first.
    #[command(after_help = "Example:
  kari till statement my-pool 5D12E89A --limit 50")]
    Statement(Looked<Account>),
    /// Open a session with the cash that is in the drawer.
    #[command(after_help = "Example:
  kari till open my-pool --float 50.00 --operator nino --terminal till-1")]
    Open(Ordered<Open>),
    /// Put cash into the drawer, beside sales.
    In(Ordered<Move>),
    /// Take cash out of the drawer, beside refunds.
    Out(Ordered<Move>),
    /// Compare what was counted with what should be there; nothing is booked.
    #[command(after_help = "Example:
  kari till count my-pool till-1 146.50")]
    Count(Looked<Count>),
    /// End the session: the difference is booked, and the Z report printed.
    #[command(after_help = "Example:
  kari till close my-pool --counted 146.50 --operator nino --terminal till-1")]
    Close(Ordered<Close>),
    /// The X report: what went through the session that is open.
    X(Looked<Till>),
    /// The Z report of a session that was closed: the last one, or the one of a number.
    Z(Looked<Closed>),
    /// Show a receipt.
    #[command(after_help = "Example:
  kari till receipt my-pool till-1/17 --language ka")]
    Receipt(Looked<Receipt>),
}

/// An order at a till, as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "till", rename_all = "snake_case")]
pub(crate) enum TillOrder {
    /// A basket.
    Sell(Sell),
    /// Into a wallet.
    Topup(Wallet),
    /// Out of it.
    Refund(Wallet),
    /// A debt.
    PayDebt(Wallet),
    /// A receipt taken back.
    Void(Void),
    /// Goods taken back.
    Return(Return),
    /// A wrong charge taken back.
    Correct(Correct),
    /// A session begins.
    Open(Open),
    /// Cash in.
    In(Move),
    /// Cash out.
    Out(Move),
    /// A session ends.
    Close(Close),
}

/// A basket, and who pays it how.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Sell {
    /// The lines.
    #[command(flatten)]
    pub(crate) lines: Lines,
    /// The band or card of the buyer, whose the passes are and whose wallet may pay.
    #[arg(long, value_name = "BAND")]
    pub(crate) to: Option<String>,
    /// Paid in cash: an amount, or the rest.
    #[arg(long, value_name = "AMOUNT", num_args = 0..=1, default_missing_value = REST)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) cash: Option<String>,
    /// Paid by card: an amount, or the rest.
    #[arg(long, value_name = "AMOUNT", num_args = 0..=1, default_missing_value = REST)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) card: Option<String>,
    /// The buyer's wallet pays the rest.
    #[arg(long)]
    pub(crate) wallet: bool,
    /// The age that a document shows, where a thing is not for everybody.
    #[arg(long, value_name = "YEARS")]
    pub(crate) age: Option<u8>,
}

/// What stands for the rest of a basket.
pub(crate) const REST: &str = "rest";

/// Lines of a basket, in the order in which they were given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Lines(pub(crate) Vec<SoldLine>);

/// A line of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SoldLine {
    /// What is sold.
    pub(crate) what: Sold,
    /// Which: a good, a tariff, an amount, or a band.
    pub(crate) which: String,
    /// How many.
    pub(crate) count: u32,
    /// What one costs, where the cashier says so.
    pub(crate) price: Option<String>,
    /// The discount in percent.
    pub(crate) discount: i64,
    /// The number of the member whose pass it is.
    pub(crate) member: Option<u32>,
    /// The day from which the pass counts.
    pub(crate) from: Option<String>,
    /// Whether it may count beside another pass of the tariff.
    pub(crate) beside: bool,
}

/// What a line sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sold {
    /// A good.
    Item,
    /// A pass.
    Pass,
    /// Money into the wallet.
    Topup,
    /// The deposit for a band.
    Deposit,
    /// The deposit given back.
    DepositBack,
    /// The fee for a lost band.
    LostBand,
}

/// The flags of lines, and what each sells.
const SOLD: [(&str, Sold, &str, &str); 6] = [
    ("item", Sold::Item, "ID[=COUNT]", "A good of goods.toml, and how many"),
    ("pass", Sold::Pass, "TARIFF[=COUNT]", "A pass of a tariff of tariffs.toml"),
    ("topup", Sold::Topup, "AMOUNT", "Money into the buyer's wallet"),
    ("deposit", Sold::Deposit, "BAND", "The deposit for a band; without one, the buyer's"),
    ("deposit-back", Sold::DepositBack, "BAND", "The deposit of a band that came back"),
    ("lost-band", Sold::LostBand, "BAND", "The fee for a band that is lost"),
];
/// The flags about the line before them.
const ABOUT: [(&str, &str, &str); 5] = [
    ("discount", "PERCENT", "Taken off the line before"),
    ("price", "AMOUNT", "What one of the line before costs, where the cashier says so"),
    ("for", "MEMBER", "The number of the member whose the pass before is"),
    (
        "from",
        "DAY",
        "The first day of the pass before; without one it begins today, or on the day \
        after the last pass of the tariff that its holder has",
    ),
    ("beside", "YES", "The pass before may count at the same time as another one of its tariff"),
];

impl Args for Lines {
    fn augment_args(command: Command) -> Command {
        let flag = |name: &'static str, value, help| {
            let flag = Arg::new(name).long(name).value_name(value).help(help);
            flag.action(ArgAction::Append).allow_negative_numbers(true)
        };
        let sold = SOLD.into_iter().map(|(name, _, value, help)| match name {
            "deposit" => flag(name, value, help).num_args(0..=1).default_missing_value(""),
            _ => flag(name, value, help),
        });
        let about = ABOUT.into_iter().map(|(name, value, help)| match name {
            "beside" => flag(name, value, help)
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("yes"),
            _ => flag(name, value, help),
        });
        command.args(sold).args(about)
    }
    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Lines {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let names = SOLD.iter().map(|sold| sold.0).chain(ABOUT.iter().map(|about| about.0));
        let mut words = Vec::new();
        for name in names {
            let values = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            words.extend(places.zip(values).map(|(place, value)| (place, name, value.as_str())));
        }
        words.sort_unstable();
        let mut lines = Self::default();
        for (_, name, value) in words {
            lines.take(name, value).map_err(|why| {
                clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{why}\n"))
            })?;
        }
        Ok(lines)
    }
    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Lines {
    /// Takes a flag: it begins a line, or is about the last one.
    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some((_, what, ..)) = SOLD.iter().find(|sold| sold.0 == name) {
            let counted = matches!(what, Sold::Item | Sold::Pass);
            let (which, count) = match value.split_once('=').filter(|_| counted) {
                Some((which, count)) => (which, number(name, count)?),
                None => (value, 1),
            };
            let (what, which) = (*what, which.to_owned());
            let (price, discount, member, from, beside) = (None, 0, None, None, false);
            self.0.push(SoldLine { what, which, count, price, discount, member, from, beside });
            return Ok(());
        }
        let Some(last) = self.0.last_mut() else {
            return Err(format!("--{name} is about the line before it, and there is none"));
        };
        match name {
            "discount" => last.discount = number(name, value)?,
            "price" => last.price = Some(value.to_owned()),
            "from" => last.from = Some(value.to_owned()),
            "beside" => last.beside = yes_no(value).map_err(|why| format!("--beside: {why}"))?,
            _ => last.member = Some(number(name, value)?),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("--{name}: `{text}` is no number that fits there"))
}

/// Cash or card.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Way {
    /// In cash.
    #[arg(long, required_unless_present = "card", conflicts_with = "card")]
    pub(crate) cash: bool,
    /// By card.
    #[arg(long)]
    pub(crate) card: bool,
}

/// Money into a wallet or out of it.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Wallet {
    /// A band or card of whose wallet it is.
    #[arg(value_name = "BAND")]
    pub(crate) holder: String,
    /// How much.
    #[arg(allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// How it is paid.
    #[command(flatten)]
    pub(crate) way: Way,
}

/// A receipt that is taken back.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Void {
    /// Its number, such as till-1/17.
    pub(crate) receipt: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// Goods that come back.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Return {
    /// The number of the receipt, such as till-1/17.
    pub(crate) receipt: String,
    /// Lines of it, and how many of each.
    #[arg(required = true, value_name = "LINE=COUNT")]
    pub(crate) lines: Vec<String>,
    /// How it is paid back.
    #[command(flatten)]
    pub(crate) way: Way,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A wrong charge that is taken back.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Correct {
    /// The entry of the ledger that charged it.
    pub(crate) entry: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A session that begins.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Open {
    /// The cash in the drawer.
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) float: String,
}

/// Cash that goes in or out.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Move {
    /// How much.
    #[arg(allow_negative_numbers = true)]
    pub(crate) amount: String,
    /// Why.
    #[arg(long)]
    pub(crate) reason: String,
}

/// A session that ends.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub(crate) struct Close {
    /// The cash that was counted in the drawer.
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    pub(crate) counted: String,
}

/// A till.
#[derive(Clone, Debug, Args)]
pub(crate) struct Till {
    /// The till, one of the terminals of site.toml.
    pub(crate) till: String,
}

/// A till, and what was counted in its drawer.
#[derive(Clone, Debug, Args)]
pub(crate) struct Count {
    /// The till, one of the terminals of site.toml.
    pub(crate) till: String,
    /// The cash that was counted in the drawer.
    #[arg(allow_negative_numbers = true)]
    pub(crate) counted: String,
}

/// A session that was closed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Closed {
    /// The till, one of the terminals of site.toml.
    pub(crate) till: String,
    /// The number of the session; the last one where none is given.
    #[arg(long, value_name = "N")]
    pub(crate) session: Option<u64>,
}

/// A wallet to look at.
#[derive(Clone, Debug, Args)]
pub(crate) struct Account {
    /// A band or card of whose wallet it is.
    #[arg(value_name = "BAND")]
    pub(crate) holder: String,
    /// How many movements are shown.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u16,
}

/// A receipt to look at.
#[derive(Clone, Debug, Args)]
pub(crate) struct Receipt {
    /// Its number, such as till-1/17.
    pub(crate) receipt: String,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        sell: Sell,
    }

    fn told(words: &str) -> Result<Sell, String> {
        let words = std::iter::once("sell").chain(words.split_whitespace());
        let told = Told::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(told.sell)
    }

    #[test]
    fn lines_keep_their_order_and_what_is_about_them() {
        let sell = told(
            "--item water=2 --topup 10.00 --item massage --price 45.00 --discount 10 \
             --pass month --for 17 --from 01.02.2027 --beside --deposit --to 0A --cash 20.00 \
             --card",
        );
        let sell = sell.unwrap();
        let lines: Vec<_> = sell.lines.0.iter().map(|line| (line.what, &*line.which)).collect();
        assert_eq!(
            lines,
            [
                (Sold::Item, "water"),
                (Sold::Topup, "10.00"),
                (Sold::Item, "massage"),
                (Sold::Pass, "month"),
                (Sold::Deposit, ""),
            ]
        );
        let SoldLine { price, discount, .. } = &sell.lines.0[2];
        assert_eq!((price.as_deref(), *discount), (Some("45.00"), 10));
        assert_eq!((sell.lines.0[0].count, sell.lines.0[3].member), (2, Some(17)));
        let SoldLine { from, beside, .. } = &sell.lines.0[3];
        assert_eq!((from.as_deref(), *beside), (Some("01.02.2027"), true));
        assert_eq!((sell.cash.as_deref(), sell.card.as_deref()), (Some("20.00"), Some(REST)));
    }

    #[test]
    fn no_is_no_where_a_flag_may_say_yes_or_no() {
        for (said, expected) in [
            ("--beside", true),
            ("--beside=yes", true),
            ("--beside=true", true),
            ("--beside=no", false),
            ("--beside=false", false),
        ] {
            let sell = told(&format!("--pass month {said} --cash")).unwrap();
            assert_eq!(sell.lines.0[0].beside, expected, "{said}");
        }
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (words, why) in [
            ("--discount 10 --item water", "about the line before it"),
            ("--item water=two", "`two` is no number"),
            ("--item water=-1", "`-1` is no number"),
            ("--item water --discount ten", "`ten` is no number"),
            ("--pass month --for -3", "`-3` is no number"),
            ("--pass month --beside=maybe", "`maybe` is neither `yes` nor `no`"),
            ("--pass month --beside=", "`` is neither `yes` nor `no`"),
        ] {
            let got = told(words).unwrap_err();
            assert!(got.contains(why), "{words}: {got}");
        }
    }
}
