# What a guest reads on the display of a gate: no amounts owed, nothing of health, no blame.
# A message is the sentence without blanks; an attribute is a richer one, taken when all its blanks are known.

-go-through = Please go through.
-come-to-desk = Please come to the front desk.
-see-desk = See the front desk when it suits you.
-one-moment = One moment please.

guest-DUPLICATE_READ = Already read, one moment please.
guest-EVENT_STALE = Please present your card or band once more.
guest-EMERGENCY_RELEASE = Emergency: the exit is open. Please leave the building calmly.
guest-EMERGENCY_ENTRY_CLOSED = Emergency: please do not enter.
guest-GRANTED_FREE_MODE = { -go-through }
guest-GATE_LOCKED = { $gate ->
    [open] { -go-through }
   *[closed] This gate is closed. Please use another one.
}
guest-DEVICE_OFFLINE = { $gate ->
    [open] { -go-through }
   *[closed] We cannot check this right now. { -come-to-desk }
}
guest-POLICY_UNAVAILABLE = { $gate ->
    [open] { -go-through }
   *[closed] Please wait, somebody will help you in a moment.
}
guest-CREDENTIAL_UNKNOWN = { $gate ->
    [open] { -go-through }
   *[closed] We do not know this card or band. { -come-to-desk }
}
guest-CREDENTIAL_LOST_STOLEN = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-CREDENTIAL_NOT_VALID_NOW = { $gate ->
    [open] { -go-through }
   *[closed] This card or band is not valid at the moment. { -come-to-desk }
}
guest-CREDENTIAL_LOCKED_OUT = { $gate ->
    [open] { -go-through }
   *[closed] There were too many attempts. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] There were too many attempts. Please try again after { $until }.
    }
guest-CREDENTIAL_NOT_RETURNED = { $gate ->
    [open] { -go-through } Please leave your band at the front desk.
   *[closed] Please put your band into the slot of the gate.
}
guest-AUTH_FACTOR_FAILED = { $gate ->
    [open] { -go-through }
   *[closed] The check did not work. Please try again or come to the front desk.
}
# A silent alarm: the person beside the guest must read what is read every day.
guest-DURESS = { $gate ->
    [open] { guest-GRANTED }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_IN_GRACE = Your membership has ended. Please renew it at the front desk.
    .until = Your membership has ended; you may still come in until { $until }.
guest-VISITS_LOW = { -go-through } Few visits are left on your pass.
    .left = { -go-through } { $left ->
        [0] This is the last visit on your pass.
        [one] { $left } visit is left on your pass.
       *[other] { $left } visits are left on your pass.
    }
guest-MEDICAL_CERTIFICATE_EXPIRING = { -go-through } { -see-desk }
guest-MEMBER_BLOCKED = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_NOT_ACTIVE = { $gate ->
    [open] { -go-through }
   *[closed] Your membership is not active. { -come-to-desk }
}
guest-VISITS_EXHAUSTED = { $gate ->
    [open] { -go-through }
   *[closed] No visits are left on your pass. { -come-to-desk }
}
guest-VISIT_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] Your visits for this period are used. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] Your visits for this period are used. The next one is possible from { $until }.
    }
guest-MEDICAL_CERTIFICATE_INVALID = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-NO_ACCESS_RIGHTS = { $gate ->
    [open] { -go-through }
   *[closed] Your pass does not cover this area. { -come-to-desk }
}
guest-SITE_CLOSED = { $gate ->
    [open] { -go-through }
   *[closed] We are closed now.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] We are closed now. We open at { $opens_at }.
    }
guest-OUTSIDE_TARIFF_WINDOW = { $gate ->
    [open] { -go-through }
   *[closed] Your pass is not valid at this hour.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] Your pass lets you in from { $opens_at }.
    }
guest-REENTRY_NOT_ALLOWED = { $gate ->
    [open] { -go-through }
   *[closed] This ticket is for one entry and has been used. { -come-to-desk }
}
guest-EXIT_RECORD_CORRECTED = Goodbye!
guest-ANTI_PASSBACK_SOFT = { -go-through }
guest-ANTI_PASSBACK = { $gate ->
    [open] { -go-through }
   *[closed] This card or band is inside already. { -come-to-desk }
}
guest-PASSAGE_PENDING = { $gate ->
    [open] { -go-through }
   *[closed] This card or band is being used at a gate. One moment please.
}
guest-ZONE_FULL = { $gate ->
    [open] { -go-through }
   *[closed] It is full inside. Please wait a little.
}
guest-AGE_BELOW_MINIMUM = { $gate ->
    [open] { -go-through }
   *[closed] This area has a minimum age. { -come-to-desk }
}
    .limit = { $gate ->
        [open] { -go-through }
       *[closed] This area is open from the age of { $limit }. { -come-to-desk }
    }
guest-SUPERVISION_REQUIRED = { $gate ->
    [open] { -go-through }
   *[closed] Children enter here with an adult. Please come in together or ask at the front desk.
}
guest-PICKUP_NOT_AUTHORISED = { $gate ->
    [open] { -go-through }
   *[closed] Please wait here for the adult who picks you up. Our staff will help you.
}
guest-GUEST_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] No guest passes are left. { -come-to-desk }
}
guest-OVERSTAY_WARNING = { -go-through } Your paid time is over.
guest-OVERSTAY_CHARGED = { $gate ->
    [open] { -go-through } The extra time is booked on your account.
   *[closed] { -come-to-desk }
}
guest-DEBT_WARNING = { -go-through } { -see-desk }
guest-DEBT_ENTRY_BLOCKED = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-DEBT_EXIT_HOLD = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-DEBT_EXIT_RELEASED = { -go-through } { -see-desk }
guest-WALLET_LIMIT_EXCEEDED = { $gate ->
    [open] { -go-through }
   *[closed] Your balance does not cover this visit. Please top it up at the front desk.
}
guest-WALLET_MAX_EXCEEDED = Your balance cannot hold that much. Please choose a smaller amount.
guest-DAILY_SPEND_LIMIT = { $gate ->
    [open] { -go-through }
   *[closed] This is above the daily limit. The account owner can raise it at the front desk.
}
guest-DISCOUNT_NEEDS_APPROVAL = The discount has to be approved. { -one-moment }
guest-REFUND_NEEDS_APPROVAL = The refund has to be approved. { -one-moment }
guest-AGE_RESTRICTED_ITEM = This item has a minimum age. Please show the cashier your ID.
    .limit = This item is sold from the age of { $limit }. Please show the cashier your ID.
guest-CASH_DRAWER_LIMIT = { $gate ->
    [open] Thank you!
   *[closed] This till cannot take cash right now. { -one-moment }
}
guest-LOCKER_OCCUPIED_AT_EXIT = { $gate ->
    [open] { -go-through } Your locker is still locked.
   *[closed] Your locker is still locked. Please empty it before you leave.
}
    .locker = { $gate ->
        [open] { -go-through } Locker { $locker } is still locked.
       *[closed] Locker { $locker } is still locked. Please empty it before you leave.
    }
guest-LOCKER_LIMIT_REACHED = You have a locker here already. Please free it first.
    .lockers = { $lockers ->
        [one] You have { $lockers } locker here already. Please free it first.
       *[other] You have { $lockers } lockers here already. Please free one first.
    }
guest-LOCKER_NOT_YOURS = This is another guest's locker. Please check the number or come to the front desk.
guest-LOCKER_TIME_EXCEEDED = { $gate ->
    [open] The time of your locker is over. { -see-desk }
   *[closed] The time of your locker is over. { -come-to-desk }
}
guest-GRANTED_OVERRIDE = Thank you for waiting. { -go-through }
guest-OPERATOR_NOT_PERMITTED = Another member of staff will help you. { -one-moment }
guest-TERMINAL_NOT_PERMITTED = This is not possible at this terminal. { -come-to-desk }
guest-OVERRIDE_NOT_ALLOWED = Another member of staff will help you. { -one-moment }
guest-SECOND_OPERATOR_REQUIRED = A second member of staff has to confirm this. { -one-moment }
guest-GRANTED = { $direction ->
    [exit] Goodbye!
    [locker] Your locker is ready.
    [till] Thank you!
   *[entry] Welcome!
}
