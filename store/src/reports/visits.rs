//! Visits by hour and zone: who went through the gates, and what was paid there.

use std::collections::BTreeMap;

use domain::{
    event::Direction, ledger::Purpose, money::Money, reasons::Condition, rows::AccountKind,
    state::Noted, time::Timestamp,
};

use super::{Asked, Cell, Name, Report, ReportError, moved};
use crate::{books::Books, error::ReadError};

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    entries: i64,
    exits: i64,
    paid: Money,
}

/// What is paid at gates, by the zone behind them.
const KINDS: [AccountKind; 2] = [AccountKind::EntryRevenue, AccountKind::SurchargeRevenue];

pub(super) async fn visits(books: &mut Books, asked: &Asked) -> Result<Report, ReportError> {
    let mut lines: BTreeMap<(String, i8), Line> = BTreeMap::new();
    let key = |gate: Option<&str>, at: Timestamp| {
        let gate = gate.unwrap_or_default();
        let behind = asked.gates.get(gate).map(ToString::to_string);
        // A gate that the site no longer has is told by its own name.
        let hour = at.to_calendar().to_zoned(asked.zone.clone()).hour();
        (behind.unwrap_or_else(|| format!("({gate})")), hour)
    };
    books
        .noted(asked.period, |at, gate, noted| {
            let Noted::Condition { condition, direction: Some(direction), .. } = noted else {
                return;
            };
            if matches!(condition, Condition::PassageMade | Condition::PassageUnexpected) {
                let line = lines.entry(key(gate, at)).or_default();
                match direction {
                    Direction::Entry => line.entries += 1,
                    Direction::Exit => line.exits += 1,
                }
            }
        })
        .await?;
    books
        .walk(asked.period, |accounts, entry| {
            let earned = entry.postings.iter().filter(|(id, _)| {
                accounts.get(id).is_some_and(|account| KINDS.contains(&account.kind))
            });
            let paid: Money = earned.map(|(_, amount)| *amount).sum();
            if at_gate(entry.purpose) && !paid.is_zero() {
                let line = lines.entry(key(entry.device.as_deref(), entry.at)).or_default();
                line.paid = line.paid + paid;
            }
            Ok::<_, ReadError>(())
        })
        .await?;
    let columns = ["zone", "hour", "entries", "exits", "paid at the gate"];
    let mut report = Report::new(Name::Visits, asked, &columns);
    let movements = books.movements(asked.period).await?;
    let ledger = moved(&movements, |kind| KINDS.contains(&kind), at_gate);
    let sum = lines.values().map(|line| line.paid).sum();
    report.tie("entry and surcharge revenue at gates", sum, ledger);
    for ((zone, hour), line) in lines {
        report.rows.push(vec![
            Cell::Text(zone),
            Cell::text(format!("{hour:02}:00")),
            Cell::Count(line.entries),
            Cell::Count(line.exits),
            Cell::Money(line.paid),
        ]);
    }
    Ok(report)
}

const fn at_gate(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::Entry | Purpose::Surcharge)
}
