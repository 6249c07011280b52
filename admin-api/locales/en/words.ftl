# Words and sentences shared by pages and the command line.

outcome-grant = grant
outcome-grant_with_warning = warning
outcome-hold = hold
outcome-deny = deny
outcome-ignore = ignored
outcome-release = release

direction-entry = entry
direction-exit = exit
direction-locker_open = locker opens
direction-locker_close = locker closes
direction-sale = sale
direction-topup = top-up
direction-refund = refund
direction-operator = operator

condition-PASSAGE_MADE = Passage made
condition-PASSAGE_NOT_MADE = Passage not made; everything provisional is rolled back
condition-PASSAGE_UNEXPECTED = Passage without a grant
condition-TAMPER = The housing of the device was opened
condition-BATTERY_LOW = The battery of the device is low
condition-POWER_LOST = The device lost its power supply
condition-DEVICE_ONLINE = The device is online
condition-DEVICE_OFFLINE = The device is offline
condition-EMERGENCY_STARTED = Emergency: all gates are released
condition-EMERGENCY_INPUT_CLEARED = The emergency input is at rest; gates stay released until two operators reset
condition-EMERGENCY_RESET = The emergency was reset by two operators
condition-MESSAGE_REFUSED = A message of the device could not be read
condition-BAND_COLLECTED = The band slot took one
condition-AUDIT_GAP = Records are missing, or the journal is broken or cannot be written
condition-RULES_DEGRADED = A rule file was refused; the last good rules stay in force
condition-CLOCK_STEP = The clock jumped by more than is allowed
condition-COMMAND_FAILED = A command to the device failed; nothing may have moved
condition-LOCK_FAULT = The lock has a fault
condition-CONCURRENT_USE = One card or band was read at two readers at once; possibly a copy
condition-HELD_OPEN = The door or gate is held open for too long
condition-FORCED_OPEN = The door or gate was forced open

missing-egress_alternative = there is no free alternative exit beside the gate
missing-desk_or_pay_point = no desk is signed in and no pay point is online
missing-calm_exit = an emergency, a gate out of service or a crowd at the exit
missing-time_left = the time of the hold is used up
missing-identity_time_left = the time of the hold is used up
missing-may_be_held = this person may not be held
missing-entry_on_record = no entry is on record
missing-desk = nobody is signed in at the desk
missing-known_child = the person is not known to be a child
missing-identity_in_doubt = the band or card is known

state-active = active
state-grace = in grace
state-past_due = past due
state-frozen = frozen
state-suspended = suspended
state-cancelled = cancelled
state-expired = expired
state-depleted = used up
state-unknown = unknown
state-lost = lost
state-stolen = stolen
state-blocked = blocked
state-returned = returned
state-free = free
state-controlled = controlled
state-locked = locked
state-out_of_service = out of service

class-grant = allows
class-charge = charges
class-warn = warns
class-hold = holds
class-deny = refuses
class-ignore = ignores
class-release = releases

span-days = { $n } d
span-hours = { $n } h
span-minutes = { $n } min
span-seconds = { $n } s

yes = yes
no = no
none = none
who-member = Member { $id }
who-card = Card { $uid }
who-nobody = Nobody known
also = Also: { $sentence }
not-held = Not held, because { $why }
value-set = { $parameter } = { $value }, from { $scope }
value-default = { $parameter } = { $value }, the default
scope-site = the site
scope-zone = zone { $name }
scope-device = device { $name }
scope-terminal = terminal { $name }
scope-tariff = tariff { $name }
scope-group = group { $name }
scope-member = this member
scope-role = role { $name }
origin-rule = rule { $file }:{ $line }
origin-floor = built in

order-granted = The order is carried out
command-heading = What became of its command
opens-heading = What would open it
opens-nothing = Nothing at the gate or the desk: { $reasons }
opens-wait = Come back at { $until }
opens-enter-pin = Enter the PIN of the card
opens-return-band = Put the band into the slot
opens-free-lockers = Empty and open locker { $lockers }
opens-bring-adults = { $adults ->
    [one] Come with an adult of the same party
   *[other] Come with { $adults } more adults of the same party
}
opens-fetch-guardian = Somebody who may pick the child up reads here
opens-show-document = Show a document: { $age } or older
opens-load-at-most = Load { $amount } at most
opens-pay-otherwise = Pay { $amount } in cash or by card
opens-pay = Pay { $amount } of what is owed
opens-top-up = Top up { $amount }
opens-buy-pass = Buy another pass of the same tariff
opens-check-photo = Staff: compare the face with the photo
opens-record-certificate = Staff: take a valid medical certificate
opens-release-locker = Staff: release locker { $locker } from its time
opens-pick-up-cash = Staff: pick up the cash
opens-other-operator = Staff: somebody with the role { $roles } does it
opens-second-person = A second person with the role { $roles } confirms it
opens-lift = Staff: lift { $reason } (role { $roles })
opens-lift-two = Two of the staff: lift { $reason } (role { $roles })
opens-check-identity = Staff: check who it is, and let the person out

audit-decision = Decision
audit-at = Decided for
audit-received = Received
audit-gate = Gate
audit-who = Who
audit-outcome = Outcome
audit-rule-set = Rule set
audit-no-rule-set = none in force
audit-facts-version = Version of the facts
audit-reasons = Reasons
audit-values = Values consulted
audit-facts = Facts
audit-no-facts = not gathered: the request ended before
