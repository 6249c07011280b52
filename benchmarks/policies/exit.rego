# The shipped checks of an exit. Each reason is an object: its class, its code, its details.
# Amounts are minor units, instants microseconds, spans seconds.
package kari.exit

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

# 12_band.rhai
reasons contains {"class": input.credential_return_at_exit, "code": "CREDENTIAL_NOT_RETURNED"} if {
	input.leaves_site
	input.returnable
	not input.band_returned
	input.credential_return_at_exit != "off"
}

# 52_pickup.rhai
reasons contains {
	"class": "hold", "code": "PICKUP_NOT_AUTHORISED", "age": input.member_age,
} if {
	input.leaves_site
	input.guardian_pickup_under_age > 0
	not input.pickup_authorised
	input.member_age >= 0
	input.member_age < input.guardian_pickup_under_age
}

# 61_overstay.rhai
units := input.overstay_units if input.overstay_units > 0

units := null if input.overstay_units <= 0

reasons contains {
	"class": "charge", "code": "OVERSTAY_CHARGED", "amount": input.overstay_charge,
	"units": units, "overstay": input.overstay,
} if {
	input.leaves_site
	input.overstay_charge > 0
}

reasons contains {
	"class": "warn", "code": "OVERSTAY_WARNING",
	"overstay": input.overstay, "until": input.paid_until,
} if {
	input.leaves_site
	input.tariff_overstay_mode == "warn"
	input.overstay > input.tariff_overstay_grace
}

# 62_exit_debt.rhai
debt_holds if {
	input.debt_exit_policy == "hold"
	input.due_here
}

reasons contains {"class": "hold", "code": "DEBT_EXIT_HOLD", "amount": input.debt} if {
	input.leaves_site
	input.debt > 0
	debt_holds
}

reasons contains {
	"class": "warn", "code": "DEBT_WARNING", "amount": input.debt, "since": input.debt_age,
} if {
	input.leaves_site
	input.debt > 0
	not debt_holds
	input.debt_exit_policy != "allow"
}

# 80_lockers.rhai
reasons contains {
	"class": "warn", "code": "LOCKER_TIME_EXCEEDED",
	"locker": input.locker, "since": input.locker_over, "amount": input.locker_charge,
} if {
	input.locker_over > 0
	input.locker_charge > 0
}

reasons contains {
	"class": "warn", "code": "LOCKER_TIME_EXCEEDED",
	"locker": input.locker, "since": input.locker_over,
} if {
	input.locker_over > 0
	input.locker_charge <= 0
}

# 81_locker_exit.rhai
reasons contains {
	"class": input.locker_exit_check, "code": "LOCKER_OCCUPIED_AT_EXIT", "locker": input.locker,
} if {
	input.leaves_site
	input.lockers_occupied > 0
	input.locker_exit_check != "off"
}
