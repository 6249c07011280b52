# What the desk reads: facts, not consequences; the outcome stands beside the sentence.
# A message is the sentence without blanks; attributes are richer, the richest first.

desk-DUPLICATE_READ = Read again within the duplicate window
    .limit = Read again within { $limit }
desk-EVENT_STALE = The request came too late
    .limit = The request is older than { $limit }
desk-EMERGENCY_RELEASE = Emergency: the exit is open
desk-EMERGENCY_ENTRY_CLOSED = Emergency: no entry
desk-GRANTED_FREE_MODE = The gate is in free mode; recorded without checks
desk-GATE_LOCKED = The gate is locked or out of service
    .state = The gate is { $state }
desk-DEVICE_OFFLINE = The reader, controller or till is offline
    .since = The reader, controller or till is offline since { $since }
desk-POLICY_UNAVAILABLE = The rules cannot answer; help at the gate
desk-CREDENTIAL_UNKNOWN = Unknown card or band
desk-CREDENTIAL_LOST_STOLEN = Card or band reported lost or stolen
    .state = Card or band reported { $state }
desk-CREDENTIAL_NOT_VALID_NOW = Card or band not valid now
    .state = Card or band not valid now: { $state }
desk-CREDENTIAL_LOCKED_OUT = Too many failed attempts
    .until = Too many failed attempts, locked until { $until }
desk-CREDENTIAL_NOT_RETURNED = The band is not returned; it belongs in the slot
desk-AUTH_FACTOR_FAILED = The PIN or photo check failed
desk-DURESS = Silent alarm
desk-MEMBERSHIP_IN_GRACE = Membership ended, in grace
    .until = Membership ended, in grace until { $until }
desk-VISITS_LOW = Few visits left
    .left = { $left ->
        [0] Last visit of the pass
        [one] { $left } visit left
       *[other] { $left } visits left
    }
desk-MEDICAL_CERTIFICATE_EXPIRING = The medical certificate ends soon
    .days = { $days ->
        [0] The medical certificate ends today
        [one] The medical certificate ends in { $days } day
       *[other] The medical certificate ends in { $days } days
    }
desk-MEMBER_BLOCKED = House ban or manual block
desk-MEMBERSHIP_NOT_ACTIVE = Membership is not active
    .state-since = Membership is { $state } since { $since }
    .state = Membership is { $state }
desk-VISITS_EXHAUSTED = No visits left
desk-VISIT_LIMIT_REACHED = The visits of the period are used
    .limit-until = { $limit ->
        [one] { $limit } visit of the period is used, next { $until }
       *[other] { $limit } visits of the period are used, next { $until }
    }
    .limit = { $limit ->
        [one] { $limit } visit of the period is used
       *[other] { $limit } visits of the period are used
    }
desk-MEDICAL_CERTIFICATE_INVALID = The medical certificate is missing or expired
    .days = { $days ->
        [one] The medical certificate expired { $days } day ago
       *[other] The medical certificate expired { $days } days ago
    }
desk-NO_ACCESS_RIGHTS = No pass covers this zone
    .zone = No pass covers zone { $zone }
desk-SITE_CLOSED = The site is closed
    .opens_at = The site is closed, opens { $opens_at }
desk-OUTSIDE_TARIFF_WINDOW = Outside the hours of the pass
    .opens_at = Outside the hours of the pass, next { $opens_at }
desk-REENTRY_NOT_ALLOWED = Single-entry ticket already used
    .since = Single-entry ticket already used, outside since { $since }
desk-EXIT_RECORD_CORRECTED = No entry on record; presence corrected
desk-ANTI_PASSBACK_SOFT = Already inside; allowed and recorded
    .zone-since = Already inside { $zone } since { $since }; allowed and recorded
    .since = Already inside since { $since }; allowed and recorded
    .zone = Already inside { $zone }; allowed and recorded
desk-ANTI_PASSBACK = Already inside
    .zone-since = Already inside { $zone } since { $since }
    .since = Already inside since { $since }
    .zone = Already inside { $zone }
desk-PASSAGE_PENDING = A passage with this card or band is in progress
desk-ZONE_FULL = The zone is full
    .zone-people-limit = Zone { $zone } is full ({ $people } of { $limit })
    .people-limit = The zone is full ({ $people } of { $limit })
    .zone = Zone { $zone } is full
desk-AGE_BELOW_MINIMUM = Under the minimum age
    .age-limit = Aged { $age }, under the minimum age of { $limit }
    .limit = Under the minimum age of { $limit }
desk-SUPERVISION_REQUIRED = A child needs an accompanying adult, or there are too many children for one
    .children-adults-limit = { $children ->
        [one] { $children } child
       *[other] { $children } children
    } with { $adults ->
        [one] { $adults } adult
       *[other] { $adults } adults
    }, at most { $limit } for each adult
    .age = A child aged { $age } needs an accompanying adult
desk-PICKUP_NOT_AUTHORISED = The child may leave only with an authorised adult
    .age = The child aged { $age } may leave only with an authorised adult
desk-GUEST_LIMIT_REACHED = No guest passes left
    .limit = { $limit ->
        [0] This pass includes no guest passes
        [one] { $limit } guest pass of the period is used
       *[other] { $limit } guest passes of the period are used
    }
desk-OVERSTAY_WARNING = Stayed longer than paid
    .overstay-until = Stayed { $overstay } longer than paid (until { $until })
    .overstay = Stayed { $overstay } longer than paid
desk-OVERSTAY_CHARGED = Supplement for extra time
    .amount-overstay-units = { $units ->
        [one] Supplement of { $amount } for { $units } unit, { $overstay } longer than paid
       *[other] Supplement of { $amount } for { $units } units, { $overstay } longer than paid
    }
    .amount-units = { $units ->
        [one] Supplement of { $amount } for { $units } unit
       *[other] Supplement of { $amount } for { $units } units
    }
    .amount-overstay = Supplement of { $amount }, { $overstay } longer than paid
    .amount = Supplement of { $amount }
desk-DEBT_WARNING = The account has a debt
    .amount-since = Debt of { $amount } since { $since }
    .amount = Debt of { $amount }
desk-DEBT_ENTRY_BLOCKED = The account has an overdue debt
    .amount-since = Overdue debt of { $amount } since { $since }
    .amount = Overdue debt of { $amount }
desk-DEBT_EXIT_HOLD = A debt to settle at the desk or pay point
    .amount-until = { $amount } to settle at the desk or pay point; the hold ends { $until }
    .amount = { $amount } to settle at the desk or pay point
desk-DEBT_EXIT_RELEASED = Hold limit reached, left owing
    .amount = Hold limit reached, left owing { $amount }
desk-WALLET_LIMIT_EXCEEDED = The wallet does not cover the price
    .available-needed = { $available } available, { $needed } needed
    .needed = The wallet does not cover { $needed }
desk-WALLET_MAX_EXCEEDED = The wallet would hold more than it may
    .max_acceptable = At most { $max_acceptable } can be loaded
desk-DAILY_SPEND_LIMIT = Above the daily limit
    .limit-remaining = Daily limit of { $limit }, { $remaining } left
    .remaining = Daily limit, { $remaining } left
desk-DISCOUNT_NEEDS_APPROVAL = Discount above your limit
    .percent-limit-line = Line { $line }: discount of { $percent }% above your limit of { $limit }%
    .percent-limit = Discount of { $percent }% above your limit of { $limit }%
desk-REFUND_NEEDS_APPROVAL = Refund above your limit
    .amount-limit = Refund of { $amount } above your limit of { $limit }
    .amount = Refund of { $amount } above your limit
desk-AGE_RESTRICTED_ITEM = Buyer under the legal age
    .category-limit-line = Line { $line }: buyer under the legal age of { $limit }, category { $category }
    .category-limit = Buyer under the legal age of { $limit }, category { $category }
    .limit = Buyer under the legal age of { $limit }
desk-CASH_DRAWER_LIMIT = Too much cash in the drawer; pick up cash first
    .amount-limit = { $amount } in the drawer, the limit is { $limit }; pick up cash first
desk-LOCKER_OCCUPIED_AT_EXIT = A locker is still locked
    .locker = Locker { $locker } is still locked
desk-LOCKER_LIMIT_REACHED = Uses as many lockers here as allowed
    .lockers-limit = { $lockers ->
        [one] Uses { $lockers } locker here already, at most { $limit }
       *[other] Uses { $lockers } lockers here already, at most { $limit }
    }
desk-LOCKER_NOT_YOURS = The locker belongs to another card or band
    .locker = Locker { $locker } belongs to another card or band
desk-LOCKER_TIME_EXCEEDED = The locker time is over
    .locker-since = The time of locker { $locker } is over since { $since }
    .locker = The time of locker { $locker } is over
desk-GRANTED_OVERRIDE = Released by an operator, see the override record
    .operator = Released by operator { $operator }, see the override record
desk-OPERATOR_NOT_PERMITTED = Your role may not do this
    .action = Your role may not do this: { $action }
desk-TERMINAL_NOT_PERMITTED = Not at this terminal
    .action = Not at this terminal: { $action }
desk-OVERRIDE_NOT_ALLOWED = You may not override this
    .code = You may not override this: { $code }
desk-SECOND_OPERATOR_REQUIRED = A second person must confirm
    .action = A second person must confirm: { $action }
desk-GRANTED = Passage allowed
