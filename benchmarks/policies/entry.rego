# The shipped checks of an entry. Each reason is an object: its class, its code, its details.
# Amounts are minor units, instants microseconds, spans seconds.
package kari.entry

active if input.credential_state == "active"

# 10_credential.rhai
reasons contains {"class": "deny", "code": "CREDENTIAL_UNKNOWN", "alarm": alarm} if {
	input.credential_state == "unknown"
	alarm := input.credential_unknown_action == "deny_and_alarm"
}

reasons contains {
	"class": "deny", "code": "CREDENTIAL_LOST_STOLEN",
	"state": input.credential_state, "alarm": alarm,
} if {
	input.credential_state in {"lost", "stolen"}
	alarm := input.credential_lost_stolen_action != "deny"
}

# 11_factor.rhai
reasons contains {
	"class": "deny", "code": "CREDENTIAL_LOCKED_OUT", "until": input.locked_until, "alarm": true,
} if {
	active
	input.locked_out
}

reasons contains {"class": "deny", "code": "AUTH_FACTOR_FAILED"} if {
	active
	not input.locked_out
	input.credential_authentication_mode == "card_and_pin"
	not input.pin_right
}

reasons contains {"class": "deny", "code": "AUTH_FACTOR_FAILED"} if {
	active
	not input.locked_out
	input.credential_authentication_mode == "card_and_photo_check"
	not input.photo_confirmed
}

reasons contains {"class": "note", "code": "DURESS", "alarm": true} if {
	input.duress
	input.credential_duress_action == "grant_silent_alarm"
}

reasons contains {"class": "deny", "code": "DURESS", "alarm": true} if {
	input.duress
	input.credential_duress_action == "deny_silent_alarm"
}

# 20_membership.rhai
reasons contains {"class": "deny", "code": "NO_ACCESS_RIGHTS", "zone": input.zone} if {
	active
	not input.has_pass
}

reasons contains {
	"class": "deny", "code": "VISIT_LIMIT_REACHED",
	"limit": input.visit_limit, "until": input.visit_again_at,
} if {
	active
	input.has_pass
	input.membership_allowed
	input.visit_limit_reached
}

reasons contains {
	"class": "warn", "code": "MEMBERSHIP_IN_GRACE", "state": input.membership_state,
} if {
	active
	input.has_pass
	input.membership_allowed
	input.membership_state == "grace"
}

reasons contains {"class": "warn", "code": "VISITS_LOW", "left": left} if {
	active
	input.has_pass
	input.membership_allowed
	input.counts_visits
	input.takes_visit
	left := max([input.visits_left - 1, 0])
	left <= input.membership_visits_warning
}

reasons contains {"class": "deny", "code": "VISITS_EXHAUSTED", "left": input.visits_left} if {
	active
	input.has_pass
	not input.membership_allowed
	input.membership_state == "depleted"
	not input.ticket_used
}

reasons contains {
	"class": "deny", "code": "MEMBERSHIP_NOT_ACTIVE", "state": input.membership_state,
} if {
	active
	input.has_pass
	not input.membership_allowed
	input.membership_state != "depleted"
}

# 21_medical.rhai
reasons contains {
	"class": "warn", "code": "MEDICAL_CERTIFICATE_EXPIRING", "days": input.certificate_days,
} if {
	active
	input.document_medical_certificate != "off"
	input.certificate == "valid"
	input.certificate_days <= 14
}

certificate_class := "deny" if input.document_medical_certificate == "deny"

certificate_class := "warn" if input.document_medical_certificate == "warn"

reasons contains {
	"class": certificate_class, "code": "MEDICAL_CERTIFICATE_INVALID",
	"days": input.certificate_days,
} if {
	active
	input.certificate == "ended"
}

reasons contains {"class": certificate_class, "code": "MEDICAL_CERTIFICATE_INVALID"} if {
	active
	input.certificate == "missing"
}

# 30_time.rhai
reasons contains {"class": "deny", "code": "SITE_CLOSED", "opens_at": input.opens_at} if {
	active
	not input.site_open
}

reasons contains {"class": "deny", "code": "OUTSIDE_TARIFF_WINDOW", "opens_at": input.opens_at} if {
	active
	input.site_open
	not input.windows_open
}

# 31_reentry.rhai
reasons contains {"class": "deny", "code": "REENTRY_NOT_ALLOWED"} if {
	active
	input.ticket_used
}

# 40_presence.rhai
reasons contains {"class": "deny", "code": "ANTI_PASSBACK"} if {
	active
	input.inside
	input.anti_passback_mode == "hard"
}

reasons contains {"class": "warn", "code": "ANTI_PASSBACK_SOFT"} if {
	active
	input.inside
	input.anti_passback_mode == "soft"
}

reasons contains {"class": "deny", "code": "ANTI_PASSBACK"} if {
	active
	input.reentry_locked
	input.anti_passback_mode == "timed"
}

# 50_zone.rhai
occupancy_class := "deny" if input.zone_occupancy_mode == "hard"

occupancy_class := "warn" if input.zone_occupancy_mode == "soft"

reasons contains {
	"class": occupancy_class, "code": "ZONE_FULL",
	"zone": input.zone_name, "people": input.zone_people, "limit": input.zone_max_occupancy,
} if {
	active
	input.zone_max_occupancy > 0
	input.zone_people + 1 > input.zone_max_occupancy
}

# 51_people.rhai
reasons contains {
	"class": "deny", "code": "AGE_BELOW_MINIMUM",
	"age": input.member_age, "limit": input.zone_min_age,
} if {
	active
	input.zone_min_age > 0
	input.member_age >= 0
	input.member_age < input.zone_min_age
}

supervised if {
	active
	input.zone_supervised_under_age > 0
	input.member_age >= 0
	input.member_age < input.zone_supervised_under_age
}

reasons contains {"class": "deny", "code": "SUPERVISION_REQUIRED", "age": input.member_age} if {
	supervised
	input.adults_present == 0
}

reasons contains {
	"class": "deny", "code": "SUPERVISION_REQUIRED",
	"children": input.children_present, "adults": input.adults_present,
	"limit": input.zone_max_children_per_adult,
} if {
	supervised
	input.adults_present != 0
	input.children_present > input.zone_max_children_per_adult * input.adults_present
}

# 53_guests.rhai
reasons contains {"class": "deny", "code": "GUEST_LIMIT_REACHED", "limit": input.guest_limit} if {
	active
	input.is_guest
	input.guest_limit_reached
}

# 60_money.rhai
charged := input.entry_price + input.surcharge

reasons contains {
	"class": "deny", "code": "WALLET_LIMIT_EXCEEDED", "available": available, "needed": charged,
} if {
	active
	charged > 0
	input.wallet_balance - charged < input.wallet_min_balance
	available := max([input.wallet_balance - input.wallet_min_balance, 0])
}

reasons contains {
	"class": "deny", "code": "DAILY_SPEND_LIMIT",
	"remaining": remaining, "limit": input.wallet_daily_spend_limit,
} if {
	active
	charged > 0
	input.wallet_daily_spend_limit > 0
	input.spent_today + charged > input.wallet_daily_spend_limit
	remaining := max([input.wallet_daily_spend_limit - input.spent_today, 0])
}

debt_blocks if {
	input.debt > input.debt_entry_block_amount
	input.debt_age > input.debt_entry_block_age
}

reasons contains {
	"class": "deny", "code": "DEBT_ENTRY_BLOCKED", "amount": input.debt, "since": input.debt_age,
} if {
	active
	input.debt > 0
	debt_blocks
}

reasons contains {
	"class": "warn", "code": "DEBT_WARNING", "amount": input.debt, "since": input.debt_age,
} if {
	active
	input.debt > 0
	not debt_blocks
}
