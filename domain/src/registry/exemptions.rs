//! Exemptions: granted by the operator who orders them, with dates, codes and a reason.

use super::{Carried, Report, days, reasoned};
use crate::{
    ids::ExemptionId,
    reasons::Reason,
    rows::{Exempted, Exemption},
    step::Step,
};

impl Step<'_> {
    pub(super) fn may_exempt(&mut self, exemption: &Exemption) -> Result<(), String> {
        let Exemption { who, codes, zones, from, until, reason, .. } = exemption;
        match who {
            Exempted::Member(member) => self.member(*member).map(|_| ())?,
            Exempted::Group(group) if group.as_str().trim().is_empty() => {
                return Err("name either a member or a group".to_owned());
            }
            Exempted::Group(_) => {}
        }
        if codes.is_empty() {
            return Err("name the codes of the reasons that it lifts".to_owned());
        }
        if let Some(code) = codes.iter().find(|code| !code.is_exemptible()) {
            return Err(format!("nobody can be exempted from `{}`", code.code()));
        }
        let unknown = zones.iter().find(|zone| !self.state.site.zones.contains_key(*zone));
        if let Some(zone) = unknown {
            return Err(format!("no zone is called `{zone}`; zones stand in site.toml"));
        }
        reasoned(reason)?;
        days((*from, Some(*until)), self.today(), "the exemption")
    }

    pub(super) fn exemption(&mut self, id: ExemptionId) -> Result<Exemption, String> {
        let row = self.state.tables.exemptions.read(&id).cloned();
        row.ok_or_else(|| "there is no such exemption; it may have been ended already".to_owned())
    }

    pub(super) fn exempt_now(&mut self, carried: &Carried<'_>, exemption: &Exemption) -> Report {
        let id = ExemptionId(self.state.ids.make(self.now));
        let granted_by = carried.order.operator.to_string();
        let exemption = Exemption { granted_by, ..exemption.clone() };
        let report = Report::default()
            .told("exemption", None, Some(format!("{id}: {}", told(&exemption))))
            .why(&exemption.reason);
        self.state.tables.exemptions.put(id, exemption);
        report
    }

    pub(super) fn end_exemption(&mut self, id: ExemptionId) -> Report {
        let Ok(row) = self.exemption(id) else { return Report::default() };
        self.state.tables.exemptions.remove(id);
        Report::default().told("exemption", Some(format!("{id}: {}", told(&row))), None)
    }
}

fn told(row: &Exemption) -> String {
    let codes: Vec<&str> = row.codes.iter().map(|code: &Reason| code.code()).collect();
    let zones: Vec<&str> = row.zones.iter().map(crate::ids::ZoneId::as_str).collect();
    let who = match &row.who {
        Exempted::Member(member) => member.to_string(),
        Exempted::Group(group) => format!("group {group}"),
    };
    let place = if zones.is_empty() { "everywhere".to_owned() } else { zones.join(", ") };
    format!("{who}, {}, {place}, {} to {}", codes.join(", "), row.from, row.until)
}
