//! The reason codes: one closed list, in order of precedence.
//!
//! Codes are stable strings: never renamed, only added. The order of the variants is the order of
//! phases, and within a phase the order of the specification; the first reason of the winning class
//! is the primary one.

use serde::{Deserialize, Serialize};

use crate::{
    facts::EventKind,
    params::{Param, ParamMask},
};

/// What a reason does to the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing: it only tells how the grant came about.
    Grant,
    /// Nothing: it tells of a charge that the decision books.
    Charge,
    /// The grant becomes a grant with a warning.
    Warn,
    /// An exit stays closed for now.
    Hold,
    /// The request is refused.
    Deny,
    /// The request is a duplicate or stale and takes no effect.
    Ignore,
    /// Life safety.
    Release,
}

/// How loud a reason is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Worth a look.
    Notice,
    /// The desk should act.
    Warning,
    /// The desk must act.
    Alarm,
    /// Somebody may be in danger.
    Critical,
}

/// Who may lift a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Override {
    /// There is nothing to lift.
    Nothing,
    /// Nobody.
    No,
    /// An operator whose role names the code (parameter 52).
    Operator,
    /// The same; by custom a manager.
    Manager,
    /// Two of them.
    TwoPersons,
}

/// One row of the catalogue of reasons.
#[derive(Debug)]
pub struct ReasonSpec {
    /// The code.
    pub reason: Reason,
    /// The stable string.
    pub code: &'static str,
    /// The phase of the pipeline that raises it, 0 to 11.
    pub phase: u8,
    /// Classes that a rule may raise it with; empty where only the floor raises it.
    pub by_rule: &'static [Class],
    /// How loud.
    pub severity: Severity,
    /// Who may lift it.
    pub overridable: Override,
    /// The parameters behind it.
    pub params: &'static [Param],
}

macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $variant:ident $code:literal P $phase:literal by $by:expr, $sev:ident, $ovr:ident,
        [$($param:ident),*];
    )*) => {
        /// Why something was decided as it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        /// Every reason, in order of precedence.
        pub const REASONS: &[ReasonSpec] = &[
            $(ReasonSpec {
                reason: Reason::$variant, code: $code, phase: $phase, by_rule: $by,
                severity: Severity::$sev, overridable: Override::$ovr,
                params: &[$(Param::$param),*],
            },)*
        ];
    };
}

const FLOOR: &[Class] = &[];
const DENY: &[Class] = &[Class::Deny];
const WARN: &[Class] = &[Class::Warn];
const HOLD: &[Class] = &[Class::Hold];
const CHARGE: &[Class] = &[Class::Charge];
const DENY_OR_GRANT: &[Class] = &[Class::Deny, Class::Grant];
const HOLD_OR_WARN: &[Class] = &[Class::Hold, Class::Warn];
const DENY_OR_WARN: &[Class] = &[Class::Deny, Class::Warn];
const DENY_OR_HOLD: &[Class] = &[Class::Deny, Class::Hold];

reasons! {
    /// Read again within the duplicate window.
    DuplicateRead "DUPLICATE_READ" P 0 by FLOOR, Info, No, [PresenceDuplicateReadWindow];
    /// The request is older than may be.
    EventStale "EVENT_STALE" P 0 by FLOOR, Notice, No, [DeviceEventMaxAge];
    /// Emergency: the exit is open.
    EmergencyRelease "EMERGENCY_RELEASE" P 1 by FLOOR, Critical, No, [];
    /// Emergency: no entry.
    EmergencyEntryClosed "EMERGENCY_ENTRY_CLOSED" P 1 by FLOOR, Critical, No, [];
    /// The gate is in free mode; recorded without checks.
    GrantedFreeMode "GRANTED_FREE_MODE" P 2 by FLOOR, Info, Nothing, [GateMode];
    /// The gate is locked or out of service.
    GateLocked "GATE_LOCKED" P 2 by FLOOR, Notice, Operator, [GateMode];
    /// The reader, the controller or the till is offline.
    DeviceOffline "DEVICE_OFFLINE" P 2 by FLOOR, Warning, Operator, [DeviceOfflinePolicy];
    /// The rules cannot answer.
    PolicyUnavailable "POLICY_UNAVAILABLE" P 2 by FLOOR, Alarm, Operator, [];
    /// Unknown card or band.
    CredentialUnknown "CREDENTIAL_UNKNOWN" P 3 by DENY_OR_HOLD, Warning, No,
        [CredentialUnknownAction];
    /// Reported lost or stolen.
    CredentialLostStolen "CREDENTIAL_LOST_STOLEN" P 3 by DENY_OR_HOLD, Alarm, No,
        [CredentialLostStolenAction];
    /// Not yet valid, expired, blocked or returned.
    CredentialNotValidNow "CREDENTIAL_NOT_VALID_NOW" P 3 by FLOOR, Warning, Operator, [];
    /// Too many failed attempts.
    CredentialLockedOut "CREDENTIAL_LOCKED_OUT" P 3 by DENY, Alarm, Operator,
        [CredentialFailedAttemptLimit];
    /// The band is not in the collector.
    CredentialNotReturned "CREDENTIAL_NOT_RETURNED" P 3 by HOLD_OR_WARN, Warning, Operator,
        [CredentialReturnAtExit, DebtExitHoldMax];
    /// The PIN or the photo check failed.
    AuthFactorFailed "AUTH_FACTOR_FAILED" P 3 by DENY, Warning, Operator,
        [CredentialAuthenticationMode];
    /// A PIN was given under duress; nobody at the gate sees it.
    Duress "DURESS" P 3 by DENY_OR_GRANT, Critical, Nothing, [CredentialDuressAction];
    /// The membership ended; the grace runs.
    MembershipInGrace "MEMBERSHIP_IN_GRACE" P 4 by WARN, Notice, Nothing, [MembershipExpiryGrace];
    /// Few visits are left.
    VisitsLow "VISITS_LOW" P 4 by WARN, Notice, Nothing, [MembershipVisitsWarning];
    /// The medical certificate ends soon.
    MedicalCertificateExpiring "MEDICAL_CERTIFICATE_EXPIRING" P 4 by WARN, Notice, Nothing,
        [DocumentMedicalCertificate];
    /// House ban or manual block.
    MemberBlocked "MEMBER_BLOCKED" P 4 by FLOOR, Warning, TwoPersons, [];
    /// Expired, frozen, suspended, cancelled or past due.
    MembershipNotActive "MEMBERSHIP_NOT_ACTIVE" P 4 by DENY, Warning, Operator,
        [MembershipAllowedStates, MembershipExpiryGrace];
    /// No visits are left.
    VisitsExhausted "VISITS_EXHAUSTED" P 4 by DENY, Warning, Operator, [MembershipAllowedStates];
    /// The visits of a period are used up.
    VisitLimitReached "VISIT_LIMIT_REACHED" P 4 by DENY, Warning, Operator, [TariffMaxVisits];
    /// The medical certificate is missing or ended.
    MedicalCertificateInvalid "MEDICAL_CERTIFICATE_INVALID" P 4 by DENY_OR_WARN, Warning, Manager,
        [DocumentMedicalCertificate];
    /// No pass of this person covers the zone.
    NoAccessRights "NO_ACCESS_RIGHTS" P 4 by DENY, Warning, Operator, [];
    /// The site is closed.
    SiteClosed "SITE_CLOSED" P 5 by DENY, Notice, Manager,
        [TimeAccessWindows, TimeEarlyEntryMargin];
    /// The tariff, group or zone is not open now.
    OutsideTariffWindow "OUTSIDE_TARIFF_WINDOW" P 5 by DENY, Notice, Operator,
        [TimeAccessWindows, TimeEarlyEntryMargin];
    /// A ticket for a single entry was used already.
    ReentryNotAllowed "REENTRY_NOT_ALLOWED" P 5 by DENY, Warning, Operator, [TariffReentryWindow];
    /// No entry on record; presence was corrected.
    ExitRecordCorrected "EXIT_RECORD_CORRECTED" P 6 by FLOOR, Notice, Nothing, [];
    /// Already inside; allowed and recorded.
    AntiPassbackSoft "ANTI_PASSBACK_SOFT" P 6 by WARN, Warning, Nothing,
        [AntiPassbackMode, AntiPassbackResetAfter];
    /// The credential is already inside.
    AntiPassback "ANTI_PASSBACK" P 6 by DENY, Warning, Operator,
        [AntiPassbackMode, AntiPassbackResetAfter];
    /// A passage with this credential is in progress.
    PassagePending "PASSAGE_PENDING" P 6 by FLOOR, Notice, No, [];
    /// The zone is full.
    ZoneFull "ZONE_FULL" P 7 by DENY_OR_WARN, Notice, TwoPersons,
        [ZoneMaxOccupancy, ZoneOccupancyMode];
    /// Under the minimum age.
    AgeBelowMinimum "AGE_BELOW_MINIMUM" P 7 by DENY, Warning, No, [ZoneMinAge];
    /// The child needs an accompanying adult, or there are too many children for one.
    SupervisionRequired "SUPERVISION_REQUIRED" P 7 by DENY, Warning, Manager,
        [ZoneSupervisedUnderAge, ZoneMaxChildrenPerAdult];
    /// The child may leave only with an authorised adult.
    PickupNotAuthorised "PICKUP_NOT_AUTHORISED" P 7 by HOLD, Alarm, TwoPersons,
        [GuardianPickupUnderAge];
    /// No guest passes are left.
    GuestLimitReached "GUEST_LIMIT_REACHED" P 7 by DENY, Notice, Operator, [GuestMaxPerHost];
    /// Stayed longer than paid for.
    OverstayWarning "OVERSTAY_WARNING" P 8 by WARN, Notice, Nothing,
        [TariffIncludedDuration, TariffOverstayGrace, TariffOverstayMode];
    /// A supplement for the longer stay.
    OverstayCharged "OVERSTAY_CHARGED" P 8 by CHARGE, Info, Operator,
        [TariffIncludedDuration, TariffOverstayGrace, TariffOverstayMode, TariffOverstayRate,
         TariffOverstayCap];
    /// The account owes something.
    DebtWarning "DEBT_WARNING" P 8 by WARN, Warning, Nothing,
        [DebtEntryBlockAmount, DebtEntryBlockAge, DebtExitPolicy, DebtAutoSettle, WalletSharedWith];
    /// The account owes more, for longer, than may be.
    DebtEntryBlocked "DEBT_ENTRY_BLOCKED" P 8 by DENY, Warning, Operator,
        [DebtEntryBlockAmount, DebtEntryBlockAge, DebtAutoSettle];
    /// What is owed shall be settled before the exit.
    DebtExitHold "DEBT_EXIT_HOLD" P 8 by HOLD, Warning, Operator,
        [DebtExitPolicy, DebtExitHoldMax, DebtAutoSettle, WalletMinBalance, WalletSharedWith];
    /// The hold reached its limit; left owing.
    DebtExitReleased "DEBT_EXIT_RELEASED" P 8 by FLOOR, Alarm, Nothing,
        [DebtExitPolicy, DebtExitHoldMax];
    /// The wallet would pass its bound.
    WalletLimitExceeded "WALLET_LIMIT_EXCEEDED" P 8 by DENY, Notice, Operator,
        [WalletMinBalance, WalletSharedWith, ZoneSurcharge];
    /// The wallet would hold more than may be.
    WalletMaxExceeded "WALLET_MAX_EXCEEDED" P 8 by DENY, Notice, No, [WalletMaxBalance];
    /// The daily limit is used up.
    DailySpendLimit "DAILY_SPEND_LIMIT" P 8 by DENY, Notice, No, [WalletDailySpendLimit];
    /// The discount is above the operator's limit.
    DiscountNeedsApproval "DISCOUNT_NEEDS_APPROVAL" P 8 by DENY, Notice, Operator,
        [SaleMaxDiscountPercent];
    /// The refund is above the operator's limit.
    RefundNeedsApproval "REFUND_NEEDS_APPROVAL" P 8 by DENY, Warning, TwoPersons,
        [SaleRefundMaxAmount];
    /// The buyer is under the legal age.
    AgeRestrictedItem "AGE_RESTRICTED_ITEM" P 8 by DENY, Warning, No, [SaleMinAgeCategories];
    /// Cash shall be picked up first.
    CashDrawerLimit "CASH_DRAWER_LIMIT" P 8 by DENY_OR_WARN, Warning, TwoPersons, [CashDrawerMax];
    /// A locker is still locked.
    LockerOccupiedAtExit "LOCKER_OCCUPIED_AT_EXIT" P 9 by HOLD_OR_WARN, Notice, Operator,
        [LockerExitCheck, DebtExitHoldMax];
    /// The band uses as many lockers as it may.
    LockerLimitReached "LOCKER_LIMIT_REACHED" P 9 by DENY, Notice, Operator,
        [LockerMaxPerCredential];
    /// The locker belongs to another band.
    LockerNotYours "LOCKER_NOT_YOURS" P 9 by DENY, Warning, Operator, [LockerAssignmentMode];
    /// The locker's time is over.
    LockerTimeExceeded "LOCKER_TIME_EXCEEDED" P 9 by DENY_OR_WARN, Notice, Operator,
        [LockerMaxDuration, LockerOverstayAction];
    /// Released by an operator.
    GrantedOverride "GRANTED_OVERRIDE" P 10 by FLOOR, Warning, Nothing, [OperatorOverrideCodes];
    /// The operator's role may not do this.
    OperatorNotPermitted "OPERATOR_NOT_PERMITTED" P 10 by DENY, Warning, No,
        [OperatorAllowedActions];
    /// Not at this terminal.
    TerminalNotPermitted "TERMINAL_NOT_PERMITTED" P 10 by DENY, Warning, No,
        [OperatorAllowedTerminals, TerminalAllowedActions];
    /// The operator may not lift this.
    OverrideNotAllowed "OVERRIDE_NOT_ALLOWED" P 10 by DENY, Warning, No, [OperatorOverrideCodes];
    /// A second person must confirm.
    SecondOperatorRequired "SECOND_OPERATOR_REQUIRED" P 10 by DENY, Notice, No,
        [OperatorTwoPersonActions];
    /// Passage allowed.
    Granted "GRANTED" P 11 by FLOOR, Info, Nothing, [];
}

impl Reason {
    /// The row of the catalogue.
    #[must_use]
    pub const fn spec(self) -> &'static ReasonSpec {
        &REASONS[self as usize]
    }
    /// The stable string.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.spec().code
    }
    /// The reason of this code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        REASONS.iter().find(|spec| spec.code == code).map(|spec| spec.reason)
    }
    /// The parameters behind it.
    #[must_use]
    pub fn tripped(self) -> ParamMask {
        self.spec().params.iter().copied().collect()
    }
    /// Whether an operator, or two, may lift it.
    #[must_use]
    pub const fn is_overridable(self) -> bool {
        let who = self.spec().overridable;
        matches!(who, Override::Operator | Override::Manager | Override::TwoPersons)
    }
    /// Whether an override of such a request may lift it: whoever is held for his identity is let
    /// out after somebody checked who he is.
    #[must_use]
    pub const fn is_liftable(self, kind: EventKind) -> bool {
        let identity = matches!(self, Self::CredentialUnknown | Self::CredentialLostStolen);
        self.is_overridable() || (identity && matches!(kind, EventKind::Exit))
    }
    /// Whether an exemption of a person or a group may list it.
    ///
    /// An exemption never opens by an expired credential and never silences a duress alarm.
    #[must_use]
    pub const fn is_exemptible(self) -> bool {
        let never = matches!(self, Self::CredentialNotValidNow | Self::Duress);
        !never && !matches!(self.spec().overridable, Override::No)
    }
    /// Whether it tells of health, debt or a threat: no public display shows it.
    #[must_use]
    pub const fn is_private(self) -> bool {
        matches!(
            self,
            Self::Duress
                | Self::MedicalCertificateExpiring
                | Self::MedicalCertificateInvalid
                | Self::DebtWarning
                | Self::DebtEntryBlocked
                | Self::DebtExitHold
                | Self::DebtExitReleased
        )
    }
}

/// Conditions and alarms: no decision by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Condition {
    /// A grant was used.
    PassageMade,
    /// A grant was not used; everything provisional is rolled back.
    PassageNotMade,
    /// A rotation without a grant, or after it had ended.
    PassageUnexpected,
    /// A door was opened by force.
    ForcedOpen,
    /// A door stands open for too long.
    HeldOpen,
    /// The housing of a device was opened.
    Tamper,
    /// The same credential was read at two readers within the duplicate window.
    ConcurrentUse,
    /// A device runs out of charge.
    BatteryLow,
    /// A device lost its supply.
    PowerLost,
    /// A lock does not move.
    LockFault,
    /// A command could not be written, was refused by the device, or was not confirmed in time.
    CommandFailed,
    /// A clock jumped, or is off by more than may be.
    ClockStep,
    /// A rule file was refused; the last good set is in force.
    RulesDegraded,
    /// The chain of records is broken, or the journal cannot be written.
    AuditGap,
    /// A device came.
    DeviceOnline,
    /// A device went.
    DeviceOffline,
    /// A life-safety input became active; all gates are released.
    EmergencyStarted,
    /// The input is at rest again; gates stay released until two operators reset.
    EmergencyInputCleared,
    /// Two operators reset the emergency.
    EmergencyReset,
    /// A device's message could not be read.
    MessageRefused,
    /// The slot for bands took one.
    BandCollected,
}

impl Condition {
    /// How loud it is; [`Self::ClockStep`] of a single device is only a notice.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::PassageMade | Self::DeviceOnline | Self::BandCollected => Severity::Info,
            Self::PassageNotMade
            | Self::ConcurrentUse
            | Self::BatteryLow
            | Self::EmergencyInputCleared
            | Self::EmergencyReset => Severity::Notice,
            Self::DeviceOffline | Self::MessageRefused => Severity::Warning,
            Self::PassageUnexpected
            | Self::ForcedOpen
            | Self::HeldOpen
            | Self::Tamper
            | Self::PowerLost
            | Self::LockFault
            | Self::CommandFailed
            | Self::ClockStep
            | Self::RulesDegraded => Severity::Alarm,
            Self::AuditGap | Self::EmergencyStarted => Severity::Critical,
        }
    }
    /// The parameters behind it.
    #[must_use]
    pub const fn params(self) -> &'static [Param] {
        match self {
            Self::PassageNotMade => &[Param::GatePassageTimeout],
            Self::HeldOpen => &[Param::AlarmHeldOpenTime],
            Self::ConcurrentUse => &[Param::PresenceDuplicateReadWindow],
            Self::ClockStep => &[Param::ClockMaxDrift],
            Self::EmergencyStarted => &[Param::EmergencyReleaseCategory],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_exemption_lists_what_nobody_may_lift() {
        for spec in REASONS.iter().filter(|spec| spec.overridable == Override::No) {
            assert!(!spec.reason.is_exemptible(), "{}", spec.code);
            assert!(!spec.reason.is_overridable(), "{}", spec.code);
        }
        assert!(Reason::CredentialNotValidNow.is_overridable());
        assert!(!Reason::CredentialNotValidNow.is_exemptible());
        assert!(!Reason::Duress.is_exemptible());
        assert!(Reason::SupervisionRequired.is_exemptible());
    }

    #[test]
    fn each_code_finds_its_own_row() {
        for (place, spec) in REASONS.iter().enumerate() {
            assert_eq!(spec.reason as usize, place);
            assert_eq!(Reason::of(spec.code), Some(spec.reason));
            assert_eq!(serde_json::to_value(spec.reason).unwrap(), spec.code);
        }
        assert_eq!(REASONS.len(), 59);
        assert!(REASONS.is_sorted_by_key(|spec| spec.phase), "reasons stand in order of phases");
    }
}
