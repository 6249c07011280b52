//! The rows of the catalogue, as `spec/parameters.md` of the specification numbers them.
//!
//! A text is the heading of a group. A row: number and name, what values it takes, their unit, the
//! default and those of some classes, where it may be set, how several values are combined and
//! which is the stricter, the events that it is about, and what it does. Bounds that the
//! specification does not give are our choice.

macro_rules! catalogue {
    ($then:ident) => { $then! {
    "A. Identity and credential":
    CredentialUnknownAction = 1 "credential.unknown_action",
        Kind::Choice(&["deny", "deny_and_alarm"]), "",
        default "deny", at [Site Zone Device], Strictest, Later, on [En Ex Lo Sa Tu],
        "what an unknown card or band causes beside the refusal";
    CredentialLostStolenAction = 2 "credential.lost_stolen_action",
        Kind::Choice(&["deny", "deny_and_alarm", "deny_and_capture"]), "",
        default "deny_and_alarm", at [Site Zone Device], Strictest, Later, on [En Ex Lo Sa Tu Rf],
        "what a lost or stolen card or band causes beside the refusal";
    CredentialAuthenticationMode = 3 "credential.authentication_mode",
        Kind::Choice(&["card_or_pin", "card", "card_and_photo_check", "card_and_pin"]), "",
        default "card", at [Site Zone Device Group Terminal], Strictest, Later,
        on [En Lo Tu Rf Op],
        "what a person shows beside the card: nothing, a PIN, or the face to an operator";
    CredentialFailedAttemptLimit = 4 "credential.failed_attempt_limit", Kind::Lockout, "",
        default "5/PT5M, locked for PT5M", at [Site Device Terminal], Strictest, All,
        on [En Lo Sa Op],
        "the failed attempts within a time that lock a credential, and for how long";
    CredentialDuressAction = 5 "credential.duress_action",
        Kind::Choice(&["off", "grant_silent_alarm", "deny_silent_alarm"]), "",
        default "off" or StaffDoor "grant_silent_alarm",
        at [Site Zone Device Group Terminal], MostSpecific, Later, on [En Op],
        "what a PIN given under duress causes; the person sees a normal result";
    CredentialReturnAtExit = 6 "credential.return_at_exit",
        Kind::Choice(&["off", "warn", "hold"]), "",
        default "off" or DayGuest "hold", at [Site Device Tariff Group], MostSpecific, Later,
        on [Ex],
        "whether the band must be in the collector before its holder leaves";

    "B. Time and tariff":
    MembershipAllowedStates = 7 "membership.allowed_states", Kind::Set(MEMBERSHIP_STATES), "",
        default "active, grace", at [Site Zone Group], Intersection, Fewer, on [En Lo],
        "the states of a membership that may enter";
    MembershipExpiryGrace = 8 "membership.expiry_grace", Kind::Dur(YEAR), "days",
        default "P0D", at [Site Tariff Group Member], MostSpecific, Smaller, on [En Lo],
        "whole local days after its last day on which a membership still opens, with a warning";
    MembershipVisitsWarning = 9 "membership.visits_warning", Kind::Int(0, 1000), "visits left",
        default "2", at [Site Tariff Group], MostSpecific, Larger, on [En],
        "warns when no more visits than this are left after the visit";
    TimeAccessWindows = 10 "time.access_windows", Kind::Windows, "local time",
        default "always", at [Site Zone Device Tariff Group Member], Intersection, All,
        on [En Lo],
        "when an entry is allowed; the site's own value is required";
    TimeEarlyEntryMargin = 11 "time.early_entry_margin", Kind::Dur(DAY), "",
        default "PT0S", at [Site Zone Tariff Group], MostSpecific, Smaller, on [En],
        "how much earlier than their start windows let in; the site's own only if set there";
    TariffIncludedDuration = 12 "tariff.included_duration", Kind::Dur(WEEK), "",
        default "PT0S", at [Tariff Group Member], MostSpecific, SmallerZeroLaxest, on [Ex],
        "how long a visit may last before it costs more; PT0S is unlimited";
    TariffOverstayGrace = 13 "tariff.overstay_grace", Kind::Dur(DAY), "",
        default "PT5M", at [Site Tariff Group], MostSpecific, Smaller, on [Ex],
        "an overstay up to this is not billed; also the time to leave after settling";
    TariffOverstayMode = 14 "tariff.overstay_mode",
        Kind::Choice(&["off", "warn", "per_unit", "next_tier", "fixed"]), "",
        default "warn", at [Tariff Group], MostSpecific, Later, on [Ex],
        "whether an overstay is ignored, warned of, or billed, and how";
    TariffOverstayRate = 15 "tariff.overstay_rate", Kind::Rate(MOST), "",
        default "0/PT1M", at [Tariff Group], MostSpecific, Larger, on [Ex],
        "what each started unit of an overstay costs; in fixed mode the amount, once";
    TariffOverstayCap = 16 "tariff.overstay_cap", Kind::Cap(0, MOST), "",
        default "none", at [Tariff Group], Strictest, Smaller, on [Ex],
        "the most that the overstay of one visit costs in all";
    TariffMaxVisits = 17 "tariff.max_visits", Kind::Limit, "",
        default "none", at [Site Tariff Group Member], Strictest, All, on [En],
        "how many new visits may begin within a period; a re-entry is none";
    TariffReentryWindow = 18 "tariff.reentry_window", Kind::Dur(WEEK), "",
        default "PT0S", at [Tariff Group], MostSpecific, Smaller, on [En],
        "how long after an exit the same visit goes on; PT0S is a single entry";

    "C. Presence and anti-passback":
    AntiPassbackMode = 19 "anti_passback.mode", Kind::Choice(&["off", "soft", "timed", "hard"]), "",
        default "soft", at [Site Zone Device Group], MostSpecific, Later, on [En Ex],
        "what a second entry without an exit causes; an exit is never refused";
    AntiPassbackResetAfter = 20 "anti_passback.reset_after", Kind::Dur(WEEK), "",
        default "PT12H", at [Site Zone Device Tariff], MostSpecific, LargerZeroStrictest, on [En],
        "after this a presence is forgotten, or a timed re-entry lock ends; PT0S is never";
    AntiPassbackConfirmBy = 21 "anti_passback.confirm_by", Kind::Choice(&["grant", "passage"]), "",
        default "passage" or BlindGate "grant", at [Site Zone Device], MostSpecific, Later,
        on [En Ex],
        "whether the grant or the passage takes the visit, books the charge and flips the presence";
    PresenceDuplicateReadWindow = 22 "presence.duplicate_read_window", Kind::Dur(60), "",
        default "PT3S", at [Site Device], MostSpecific, Larger, on [En Ex Lo Sa],
        "a second read at the same reader within this time is ignored, at another one it is noted";

    "D. Debt and wallet":
    DebtEntryBlockAmount = 23 "debt.entry_block_amount", Kind::Money(0, MOST), "",
        default "0.00", at [Site Zone Tariff Group Member], MostSpecific, Smaller, on [En Lc],
        "a debt above this refuses an entry once it is older than `debt.entry_block_age`";
    DebtEntryBlockAge = 24 "debt.entry_block_age", Kind::Dur(3660 * DAY), "days",
        default "P0D", at [Site Zone Tariff Group Member], MostSpecific, Smaller, on [En Lc],
        "a debt older than this refuses an entry if above `debt.entry_block_amount`; a day is 24 h";
    DebtExitPolicy = 25 "debt.exit_policy", Kind::Choice(&["allow", "warn", "hold"]), "",
        default "warn", at [Site Zone Device Tariff Group Member], MostSpecific, Later, on [Ex],
        "what a debt causes at the exit; a hold only where its conditions are met";
    DebtExitHoldMax = 26 "debt.exit_hold_max", Kind::Dur(1800), "",
        default "PT10M", at [Site Device], Strictest, Smaller, on [Ex],
        "how long the holds of one visit may last in all before it is let go with an alarm";
    DebtAutoSettle = 27 "debt.auto_settle", Kind::Choice(&["off", "full_only", "partial"]), "",
        default "partial", at [Site Tariff Group Member], MostSpecific, Later, on [Ex En],
        "what is taken from the wallet for a debt before it is judged";
    WalletMinBalance = 28 "wallet.min_balance", Kind::Money(-MOST, 0), "",
        default "0.00", at [Site Group Member], MostSpecificAboveSite, Larger, on [Sa En Ex],
        "the lowest balance that a wallet may reach by spending";
    WalletMaxBalance = 29 "wallet.max_balance", Kind::Money(0, MOST), "",
        default "150.00", at [Site Group], Strictest, Smaller, on [Tu Rf],
        "the highest balance that a top-up may lead to";
    WalletDailySpendLimit = 30 "wallet.daily_spend_limit", Kind::Money(0, MOST), "a local day",
        default "0.00", at [Site Group Member], Strictest, SmallerZeroLaxest, on [Sa En],
        "how much one person may spend in a local day; 0.00 is no limit";
    WalletSharedWith = 31 "wallet.shared_with", Kind::Choice(&["family", "member"]), "",
        default "member", at [Group Member], MostSpecific, Later, on [Sa Tu Ex],
        "whose account is debited; what a family owes is due from its last adult out";

    "E. Capacity and zones":
    ZoneMaxOccupancy = 32 "zone.max_occupancy", Kind::Int(0, 1_000_000), "persons",
        default "0", at [Site Zone], Strictest, SmallerZeroLaxest, on [En],
        "how many people may be in the zone, granted passages included; 0 is no limit";
    ZoneOccupancyMode = 33 "zone.occupancy_mode", Kind::Choice(&["count_only", "soft", "hard"]), "",
        default "hard", at [Zone], MostSpecific, Later, on [En],
        "whether a full zone is only counted, warned of, or refused";
    ZoneMinAge = 34 "zone.min_age", Kind::Int(0, 120), "years",
        default "0", at [Zone Tariff], Strictest, Larger, on [En Sa],
        "nobody younger enters the zone or buys the tariff; 0 is off";
    ZoneSupervisedUnderAge = 35 "zone.supervised_under_age", Kind::Int(0, 120), "years",
        default "0" or PoolZone "8", at [Zone Group], Strictest, Larger, on [En],
        "who is younger needs an adult of the party inside, or reading within 15 s; 0 is off";
    ZoneMaxChildrenPerAdult = 36 "zone.max_children_per_adult", Kind::Int(0, 1000), "children",
        default "2", at [Zone Group], Strictest, Smaller, on [En],
        "how many supervised children of a party one adult may have in the zone";
    ZoneSurcharge = 37 "zone.surcharge", Kind::Money(0, MOST), "a visit",
        default "0.00", at [Zone Tariff Group], MostSpecific, Larger, on [En],
        "what the first passage of a visit into the zone costs";
    DocumentMedicalCertificate = 38 "document.medical_certificate",
        Kind::Choice(&["off", "warn", "deny"]), "",
        default "off" or SwimGroup "deny", at [Site Zone Tariff Group], Strictest, Later, on [En],
        "what a missing or ended medical certificate causes";
    GuardianPickupUnderAge = 39 "guardian.pickup_under_age", Kind::Int(0, 120), "years",
        default "0", at [Site Zone Group], Strictest, Larger, on [Ex],
        "who is younger leaves only with an authorised guardian; 0 is off";
    GuestMaxPerHost = 40 "guest.max_per_host", Kind::Limit, "",
        default "0/P1M", at [Tariff Group Member], MostSpecific, All, on [En Sa],
        "how many guests a member may bring within a period";

    "F. Lockers":
    LockerAssignmentMode = 41 "locker.assignment_mode",
        Kind::Choice(&["free", "dynamic", "rental", "personal"]), "",
        default "free", at [Device], MostSpecific, Later, on [Lo Lc],
        "who may use a locker: whoever comes, the one it was given to, its tenant, its owner";
    LockerMaxPerCredential = 42 "locker.max_per_credential", Kind::Int(0, 100), "a locker group",
        default "1", at [Device Tariff Group Member], MostSpecific, Smaller, on [Lc],
        "how many lockers of one group a band may occupy";
    LockerMaxDuration = 43 "locker.max_duration", Kind::Dur(YEAR), "",
        default "PT0S", at [Device Tariff Group], Strictest, SmallerZeroLaxest, on [Lo Ex],
        "how long a locker may be occupied; PT0S is the visit";
    LockerOverstayAction = 44 "locker.overstay_action",
        Kind::Choice(&["warn", "charge", "block"]), "",
        default "warn", at [Device Tariff], MostSpecific, Later, on [Lo Ex],
        "what a locker occupied for too long causes; an exit is only warned or charged";
    LockerExitCheck = 45 "locker.exit_check", Kind::Choice(&["off", "warn", "hold"]), "",
        default "warn", at [Site Zone Device], MostSpecific, Later, on [Ex],
        "what a locker that is still occupied causes at the exit";

    "G. Sales":
    SaleMaxDiscountPercent = 46 "sale.max_discount_percent", Kind::Int(0, 100), "%",
        default "0", at [Role Terminal], Strictest, Smaller, on [Sa],
        "the largest discount without approval";
    SaleRefundMaxAmount = 47 "sale.refund_max_amount", Kind::Money(0, MOST), "a transaction",
        default "0.00", at [Role Terminal], Strictest, Smaller, on [Rf],
        "the largest refund without approval by a second person";
    SaleMinAgeCategories = 48 "sale.min_age_categories", Kind::Ages, "years",
        default "alcohol:18, tobacco:18", at [Site], Strictest, All, on [Sa],
        "how old a buyer must be for each category of goods";
    CashDrawerMax = 49 "cash.drawer_max", Kind::Money(0, MOST), "",
        default "300.00", at [Site Terminal], Strictest, Smaller, on [Sa Tu Op],
        "more cash than this in a drawer is warned of; above 120 % no more is taken";

    "H. Operators and terminals":
    OperatorAllowedActions = 50 "operator.allowed_actions", Kind::Rights(ACTIONS), "",
        default "none", at [Role], Union, Fewer, on [Op Sa Tu Rf],
        "what the roles of an operator may do; `!` denies whatever another role allows";
    OperatorAllowedTerminals = 51 "operator.allowed_terminals", Kind::Names(ScopeKind::Terminal),
        "", default "none", at [Role], Intersection, Fewer, on [Op Sa Tu Rf],
        "where an operator may act: the terminals that all of the roles list";
    OperatorOverrideCodes = 52 "operator.override_codes", Kind::Codes, "",
        default "none", at [Role], Intersection, Fewer, on [Op],
        "the reasons that an operator may lift, as far as they can be lifted at all";
    OperatorTwoPersonActions = 53 "operator.two_person_actions", Kind::Set(ACTIONS), "",
        default "refund_over_limit, debt_write_off, balance_adjust, emergency_reset, \
            rules_rollback, unblock_member",
        at [Site Terminal], Union, More, on [Op Rf],
        "what a second person must confirm";
    TerminalAllowedActions = 54 "terminal.allowed_actions", Kind::Set(ACTIONS), "",
        default "none", at [Terminal], Intersection, Fewer, on [Sa Tu Rf Op],
        "what may be done at a terminal";

    "I. Emergency and device":
    EmergencyReleaseCategory = 55 "emergency.release_category", Kind::Choice(&["C", "B", "A"]), "",
        default "A", at [Site Device], Strictest, Later, on [Dv Ex],
        "what releases the exits: C a fire alarm, B critical faults too, A practically any fault";
    GateMode = 56 "gate.mode",
        Kind::Scheduled(&Kind::Choice(&["free", "controlled", "locked", "out_of_service"])), "",
        default "controlled", at [Zone Device], MostSpecific, Later, on [En Ex],
        "the mode; `locked` binds an exit only beside a declared alternative, out of service never";
    GateFailMode = 57 "gate.fail_mode", Kind::Choice(&["fail_safe", "fail_secure"]), "",
        default "fail_secure", at [Device], MostSpecific, Later, on [Dv],
        "the entry's state without power or controller; the exit's is always `fail_safe`";
    DeviceOfflinePolicy = 58 "device.offline_policy",
        Kind::Each(&["entry", "locker", "sale"], &Kind::Choice(&["allow", "cached", "deny"])), "",
        default "entry deny, locker cached, sale deny", at [Site Device Terminal], Strictest, Later,
        on [En Lo Sa],
        "what a request is answered while its device is offline; an exit is always allowed";
    GatePassageTimeout = 59 "gate.passage_timeout", Kind::Dur(60), "",
        default "PT5S" or ReducedMobility "PT10S", at [Device Group], Strictest, Larger, on [En Ex],
        "how long a grant waits for its passage before everything provisional is rolled back";
    DeviceEventMaxAge = 60 "device.event_max_age", Kind::Dur(3600), "",
        default "PT10S", at [Site Device], Strictest, Smaller, on [En Ex Lo Sa Tu],
        "a request older than this on arrival is ignored; facts are booked at any age";
    ClockMaxDrift = 61 "clock.max_drift", Kind::Dur(3600), "",
        default "PT5S", at [Site], Site, Smaller, on [En Ex Lo Lc Sa Tu Rf Op Dv],
        "a clock that is off by more is noted, and durations run on without it";

    "J. Privacy and alarms":
    AlarmHeldOpenTime = 62 "alarm.held_open_time", Kind::Dur(3600), "",
        default "PT30S" or ReducedMobility "PT60S", at [Device Group], MostSpecific, Smaller,
        on [Dv],
        "how long a door may stand open after a passage before it raises an alarm";
    AuditRetention = 63 "audit.retention",
        Kind::Each(&["movements", "audit"], &Kind::Retention), "days",
        default "movements P90D, audit P1Y", at [Site], Site, Smaller, on [],
        "how long movements keep their names, and how long operators' acts and money are kept";
    PrivacyDisplayDetail = 64 "privacy.display_detail",
        Kind::Choice(&["full", "amount", "reason_code", "pictogram"]), "",
        default "pictogram" or Desk "full", at [Site Device Terminal], Strictest, Later,
        on [En Ex Sa],
        "how much a screen shows of a reason; of health or debt a public one shows nothing";
    } };
}
