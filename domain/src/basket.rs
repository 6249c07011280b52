//! A basket: what its lines cost, what tax is in them, and who pays what.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{DeviceId, GoodId, MemberId, TariffId, Uid},
    money::{Money, Vat},
    order::{AMOUNT_MAX, Begins, Line, Rest, Sells},
    renewal::{Planned, Wanted},
    rows::{BandDeposit, Offer, TariffKey, TariffKind},
    step::Step,
    time::Timestamp,
    windows::{Windows, local_date},
};

/// So many lines a receipt may have (our choice).
const LINES_MAX: usize = 200;
/// So many of one thing a line may have (our choice).
const COUNT_MAX: u32 = 10_000;

/// What a top-up is called on a receipt.
const TOP_UP: &str = "top-up";

/// The good that the fee for a lost band is.
pub const LOST_BAND: &str = "lost-band";

/// A basket that can be sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basket {
    pub(crate) lines: Vec<Priced>,
    /// How it is paid.
    pub(crate) ways: Ways,
}

/// How something is paid; below zero it is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    pub(crate) cash: Money,
    pub(crate) card: Money,
    pub(crate) wallet: Money,
    /// What rounding of cash gave the guest; below zero what it took.
    pub(crate) rounding: Money,
}

/// A line with its price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// What is sold.
    pub sells: Sells,
    /// What people call it.
    pub name: String,
    /// How many.
    pub count: u32,
    /// What one costs without a discount, as the list says.
    pub price: Money,
    /// The discount in percent.
    pub discount: i64,
    /// What was taken off, tax included.
    pub off: Money,
    /// What the line costs, tax included.
    pub gross: Money,
    /// The tax in it.
    pub tax: Money,
    /// Its rate.
    pub vat: Vat,
    /// Its category, such as `alcohol`, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    /// The version of the tariff that is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The first day of the pass, or of the first one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// The last day of the pass, or of the last one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// The deposit that goes back, as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<BandDeposit>,
}

/// What stands behind a line, before it is counted.
struct Item {
    name: String,
    price: Money,
    open_price: bool,
    /// Nothing where there is no tax on it at all: money that only changes its place.
    vat: Option<Vat>,
    category: String,
    version: Option<u32>,
    /// When the pass counts, and whose it is.
    term: Option<Planned>,
    /// The deposit that goes back.
    deposit: Option<BandDeposit>,
    /// Whether it is one thing that cannot be discounted: money, a deposit.
    money: bool,
}

impl Basket {
    /// What goes into the buyer's wallet.
    pub(crate) fn loads(&self) -> Money {
        let loads = self.lines.iter().filter(|line| line.sells == Sells::TopUp);
        loads.map(|line| line.gross).sum()
    }
}

impl Priced {
    /// What it costs without tax.
    #[must_use]
    pub fn net(&self) -> Money {
        self.gross - self.tax
    }
}

impl Step<'_> {
    /// What a basket comes to.
    ///
    /// # Errors
    /// The first line that cannot be sold, or what is wrong with the payment.
    pub(crate) fn basket(
        &mut self,
        lines: &[Line],
        buyer: Option<&Uid>,
        pays: (Money, Money, Rest),
        at: Timestamp,
    ) -> Result<Basket, String> {
        if lines.is_empty() || lines.len() > LINES_MAX {
            return Err(format!("a sale has between 1 and {LINES_MAX} lines"));
        }
        let named = |place: usize, why: String| format!("line {}: {why}", place + 1);
        let deposit = self.deposit(lines);
        let mut priced = Vec::with_capacity(lines.len());
        let mut planned = Vec::new();
        for (place, line) in lines.iter().enumerate() {
            let line = self.priced(line, (buyer, deposit, &mut planned), at);
            priced.push(line.map_err(|why| named(place, why))?);
        }
        for (place, line) in lines.iter().enumerate() {
            let about = |other: &Line| other.sells == line.sells && line.sells.is_of_one_band();
            if lines[..place].iter().any(about) {
                return Err(named(place, "that band is in the basket already".to_owned()));
            }
        }
        let total = priced.iter().try_fold(Money::ZERO, |sum, line| sum.checked_add(line.gross));
        let total = total.ok_or("the total is too large")?;
        let ways = self.paid((total, buyer.is_some()), pays)?;
        let basket = Basket { lines: priced, ways };
        if ways.wallet > Money::ZERO && ways.wallet > total - basket.loads() {
            return Err("a wallet is not topped up from itself; pay in cash or by card".to_owned());
        }
        Ok(basket)
    }

    /// A basket that only moves money: into a wallet, or out of it where `amount` is below zero, or
    /// for a debt.
    pub(crate) fn moved(sells: Sells, amount: Money, in_cash: bool) -> Basket {
        let name = if sells == Sells::Debt { "debt" } else { TOP_UP };
        let line = Priced {
            sells,
            name: name.to_owned(),
            count: 1,
            price: amount,
            discount: 0,
            off: Money::ZERO,
            gross: amount,
            tax: Money::ZERO,
            vat: Vat(0),
            category: String::new(),
            version: None,
            from: None,
            until: None,
            deposit: None,
        };
        let (cash, card) = if in_cash { (amount, Money::ZERO) } else { (Money::ZERO, amount) };
        let ways = Ways { cash, card, ..Ways::default() };
        Basket { lines: vec![line], ways }
    }

    /// The deposit for a band: that of the day guest whose pass is bought with it, else the site's.
    fn deposit(&self, lines: &[Line]) -> Money {
        let offered = lines.iter().filter_map(|line| match &line.sells {
            Sells::Tariff { tariff, .. } => self.newest(tariff).map(|(_, offer, _)| offer.deposit),
            _ => None,
        });
        let own = offered.max().filter(|deposit| !deposit.is_zero());
        own.unwrap_or(self.state.site.band_deposit)
    }

    /// An amount in whole coins: the nearest one, half up.
    pub(crate) fn in_coins(&self, amount: Money) -> Money {
        let step = self.state.site.cash_step.minor().max(1);
        Money(amount.minor().saturating_add(step / 2).div_euclid(step) * step)
    }

    /// Who pays how much of a total, and what rounding takes or gives.
    fn paid(
        &self,
        (total, has_wallet): (Money, bool),
        (cash, card, rest): (Money, Money, Rest),
    ) -> Result<Ways, String> {
        let currency = &self.state.site.currency;
        let step = self.state.site.cash_step;
        let left = total - cash - card;
        let (cash, card) = match rest {
            Rest::Cash => (cash + self.in_coins(left), card),
            Rest::Card => (cash, card + left),
            Rest::Wallet | Rest::Nobody => (cash, card),
        };
        let ways = Ways { cash, card, ..Ways::default() };
        if cash.minor() % step.minor().max(1) != 0 {
            let step = currency.exact(step);
            return Err(format!("cash is paid in whole multiples of {step}"));
        }
        let gives = total < Money::ZERO;
        let backwards = |amount: Money| !amount.is_zero() && (amount < Money::ZERO) != gives;
        if backwards(cash) || backwards(card) {
            return Err("what is paid has the sign of the total".to_owned());
        }
        let left = total - cash - card;
        // Cash closes a sale: what is less than half a coin is rounded away.
        let in_cash = !cash.is_zero() || rest == Rest::Cash;
        if in_cash && left.minor().saturating_abs().saturating_mul(2) <= step.minor() {
            return Ok(Ways { rounding: left, ..ways });
        }
        let exceeds = !left.is_zero() && (left < Money::ZERO) != gives;
        if exceeds {
            let total = currency.exact(total);
            return Err(format!("more is paid than the {total} that it costs; give change"));
        }
        if !left.is_zero() && (!has_wallet || rest != Rest::Wallet) {
            let (left, total) = (currency.exact(left), currency.exact(total));
            return Err(format!(
                "{left} is not paid of {total}; pay it in cash, by card or from a wallet"
            ));
        }
        Ok(Ways { wallet: left, ..ways })
    }

    fn priced(
        &mut self,
        line: &Line,
        (buyer, deposit, planned): (Option<&Uid>, Money, &mut Vec<Planned>),
        at: Timestamp,
    ) -> Result<Priced, String> {
        let item = self.item(line, (buyer, deposit, planned), at)?;
        if line.count == 0 || line.count > COUNT_MAX {
            return Err(format!("a line has between 1 and {COUNT_MAX} of a thing"));
        }
        if !(0..=100).contains(&line.discount) {
            return Err(format!("a discount is between 0 and 100 %, not {} %", line.discount));
        }
        if item.money && (line.count != 1 || line.discount != 0) {
            return Err(format!("{} is sold once a line and without a discount", item.name));
        }
        let price = match (line.price, item.open_price) {
            (None, true) => return Err(format!("say what {} costs", item.name)),
            (Some(price), true) => price,
            (Some(price), false) if price != item.price => {
                let price = self.state.site.currency.exact(item.price);
                return Err(format!("{} costs {price}; a discount is told in percent", item.name));
            }
            _ => item.price,
        };
        let gives = matches!(line.sells, Sells::DepositBack { .. });
        if (price < Money::ZERO && !gives) || price > AMOUNT_MAX {
            return Err("a price is not below zero, and not absurdly high".to_owned());
        }
        let listed = Money(price.minor().saturating_mul(i64::from(line.count)));
        let shown = discounted(listed, line.discount);
        let on_top = self.state.site.vat_on_top;
        let vat = item.vat.unwrap_or(Vat(0));
        let tax = if on_top { vat.on(shown) } else { vat.within(shown).1 };
        let (gross, whole) =
            if on_top { (shown + tax, listed + vat.on(listed)) } else { (shown, listed) };
        let term = item.term.as_ref().map(|(.., term)| *term);
        planned.extend(item.term);
        Ok(Priced {
            sells: line.sells.clone(),
            name: item.name,
            count: line.count,
            price,
            discount: line.discount,
            off: whole - gross,
            gross,
            tax,
            vat,
            category: item.category,
            version: item.version,
            from: term.map(|term| term.first),
            until: term.and_then(|term| term.last),
            deposit: item.deposit,
        })
    }

    fn item(
        &mut self,
        line: &Line,
        (buyer, deposit, planned): (Option<&Uid>, Money, &[Planned]),
        at: Timestamp,
    ) -> Result<Item, String> {
        let money = |name: &str, price: Option<Money>| Item {
            name: name.to_owned(),
            price: price.unwrap_or_default(),
            open_price: price.is_none(),
            vat: None,
            category: String::new(),
            version: None,
            term: None,
            deposit: None,
            money: true,
        };
        match &line.sells {
            Sells::Good(id) => self.good(id, at),
            Sells::LostBand { uid } => {
                let held = self.state.tables.credentials.read(uid);
                let held = held.ok_or_else(|| format!("no band `{uid}` is known"))?;
                if held.collected {
                    return Err(format!("`{uid}` came back, or its loss is paid already"));
                }
                self.good(&GoodId::from(LOST_BAND), at)
            }
            Sells::Tariff { tariff, member, begins } => {
                let (count, planned) = (line.count, planned);
                self.offered((tariff, count, begins), (*member, buyer, planned), at)
            }
            Sells::TopUp if buyer.is_none() => {
                Err("money goes into somebody's wallet; say whose".to_owned())
            }
            Sells::TopUp if line.price.is_some_and(|price| price <= Money::ZERO) => {
                Err("a top-up is above zero".to_owned())
            }
            Sells::TopUp => Ok(money(TOP_UP, None)),
            Sells::Debt => Err("a debt is paid by itself, with `pay-debt`".to_owned()),
            Sells::Deposit { uid } => {
                if self.state.tables.deposits.read(uid).is_some() {
                    return Err(format!("a deposit for `{uid}` is paid already"));
                }
                if self.is_lost(uid) {
                    return Err(format!("`{uid}` is lost; a deposit is for a band that is here"));
                }
                Ok(money("deposit", Some(deposit)))
            }
            Sells::DepositBack { uid } => {
                let paid = self.state.tables.deposits.read(uid);
                let paid = paid.ok_or_else(|| format!("no deposit is paid for `{uid}`"))?;
                let item = money("deposit back", Some(-paid.amount));
                Ok(Item { deposit: Some(paid.clone()), ..item })
            }
        }
    }

    fn good(&mut self, id: &GoodId, at: Timestamp) -> Result<Item, String> {
        let good = self.state.tables.goods.read(id).cloned();
        let good = good.filter(|good| !good.withdrawn);
        let good = good.ok_or_else(|| format!("`{id}` is not for sale"))?;
        Ok(Item {
            price: self.listed(id.as_str(), good.price, at),
            name: good.name,
            open_price: good.open_price,
            vat: Some(good.vat.unwrap_or(self.state.site.vat)),
            category: good.category,
            version: None,
            term: None,
            deposit: None,
            money: false,
        })
    }

    fn offered(
        &mut self,
        (id, count, begins): (&TariffId, u32, &Begins),
        (member, buyer, planned): (Option<MemberId>, Option<&Uid>, &[Planned]),
        at: Timestamp,
    ) -> Result<Item, String> {
        let sold = self
            .newest(id)
            .filter(|(_, offer, _)| offer.kind != TariffKind::AtGate && !offer.withdrawn);
        let (key, offer, vat) = sold.ok_or_else(|| format!("`{id}` is not for sale"))?;
        let known = |id: MemberId| self.state.tables.members.peek(&id).is_some();
        let holder = buyer.and_then(|uid| self.state.tables.credentials.peek(uid));
        let holder = member.or(holder.map(|held| held.member));
        let holder = holder.ok_or_else(|| match buyer {
            Some(uid) => format!(
                "nobody holds `{uid}`; give it out first, or name the member whose pass it is to be"
            ),
            None => "a pass is sold to somebody; say to whom".to_owned(),
        })?;
        if !known(holder) {
            return Err("the member whose pass it is to be is not known".to_owned());
        }
        let today = local_date(at, &self.state.site.time_zone);
        let count = count.min(COUNT_MAX);
        let wanted = Wanted { holder, tariff: id, count, begins, planned };
        let term = self.term(&offer, &wanted, today)?;
        Ok(Item {
            price: self.listed(id.as_str(), offer.price, at),
            name: if offer.name.is_empty() { id.to_string() } else { offer.name },
            open_price: false,
            vat: Some(vat.unwrap_or(self.state.site.vat)),
            category: String::new(),
            version: Some(key.version),
            term: Some((holder, id.clone(), term)),
            deposit: None,
            money: false,
        })
    }

    /// The newest version of a tariff.
    pub(crate) fn newest(&self, id: &TariffId) -> Option<(TariffKey, Offer, Option<Vat>)> {
        let key = |version| TariffKey { tariff: id.clone(), version };
        let all = self.state.tables.tariffs.range(key(0), key(u32::MAX));
        all.last().map(|(key, row)| (key.clone(), row.offer.clone(), row.vat))
    }

    /// What something costs at a time: as the price list of the highest rank says that is in force,
    /// else its own price.
    fn listed(&mut self, item: &str, own: Money, at: Timestamp) -> Money {
        let zone = &self.state.site.time_zone;
        let open = |text: &str| Windows::parse(text).is_ok_and(|all| all.is_open(at, zone));
        let lists = self.state.tables.price_lists.iter();
        let priced = lists.filter_map(|(_, list)| {
            let price = list.prices.get(item)?;
            open(&list.windows).then_some((list.rank, *price))
        });
        priced.max_by_key(|(rank, _)| *rank).map_or(own, |(_, price)| price)
    }

    /// Where a till's own things stand.
    pub(crate) fn drawer(&mut self, till: &DeviceId) -> crate::rows::Drawer {
        self.state.tables.drawers.read(till).cloned().unwrap_or_default()
    }
}

/// A price less the discount, half up to the minor unit.
pub(crate) fn discounted(price: Money, percent: i64) -> Money {
    let hundredths = i128::from(price.minor()) * i128::from(100 - percent);
    Money(i64::try_from((hundredths + 50).div_euclid(100)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_are_rounded_half_up_by_line() {
        for (price, percent, left) in
            [(980, 15, 833), (1, 50, 1), (3, 50, 2), (100, 0, 100), (100, 100, 0), (999, 10, 899)]
        {
            assert_eq!(discounted(Money(price), percent), Money(left), "{price} less {percent} %");
        }
    }
}
