# სიტყვები და წინადადებები, საერთო გვერდებისა და ბრძანებათა სტრიქონისთვის.

outcome-grant = დაშვება
outcome-grant_with_warning = გაფრთხილება
outcome-hold = შეყოვნება
outcome-deny = უარი
outcome-ignore = უგულებელყოფა
outcome-release = გახსნა

direction-entry = შესვლა
direction-exit = გასვლა
direction-locker_open = კარადა: გაღება
direction-locker_close = კარადა: დაკეტვა
direction-sale = გაყიდვა
direction-topup = შევსება
direction-refund = დაბრუნება
direction-operator = ოპერატორი

condition-PASSAGE_MADE = გავლა შედგა
condition-PASSAGE_NOT_MADE = გავლა არ შედგა; დროებითი ჩანაწერები გაუქმდა
condition-PASSAGE_UNEXPECTED = გავლა ნებართვის გარეშე
condition-TAMPER = მოწყობილობის კორპუსი გახსნეს
condition-BATTERY_LOW = მოწყობილობის ბატარეა იწურება
condition-POWER_LOST = მოწყობილობას კვება შეუწყდა
condition-DEVICE_ONLINE = მოწყობილობა კავშირზეა
condition-DEVICE_OFFLINE = მოწყობილობასთან კავშირი გაწყდა
condition-EMERGENCY_STARTED = საგანგებო ვითარება: ყველა ტურნიკეტი გახსნილია
condition-EMERGENCY_INPUT_CLEARED = საგანგებო სიგნალი მოიხსნა; ტურნიკეტები გახსნილია, სანამ ორი ოპერატორი არ დაადასტურებს
condition-EMERGENCY_RESET = საგანგებო ვითარება ორმა ოპერატორმა მოხსნა
condition-MESSAGE_REFUSED = მოწყობილობის შეტყობინება ვერ წაიკითხა
condition-BAND_COLLECTED = სამაჯური მიმღებშია
condition-AUDIT_GAP = ჩანაწერები აკლია, ან ჟურნალი დაზიანებულია ან ვერ იწერება
condition-RULES_DEGRADED = წესების ფაილი უარყოფილია; ძალაში რჩება ბოლო გამართული წესები
condition-CLOCK_STEP = საათმა დასაშვებზე მეტად გადაიწია
condition-COMMAND_FAILED = მოწყობილობისთვის მიცემული ბრძანება ვერ შესრულდა; შესაძლოა, არაფერი გაიღო
condition-LOCK_FAULT = საკეტი გაუმართავია
condition-CONCURRENT_USE = ერთი ბარათი ან სამაჯური ერთდროულად ორმა წამკითხველმა წაიკითხა; შესაძლოა, ასლია
condition-HELD_OPEN = კარი ან ტურნიკეტი ზედმეტად დიდხანს ღიაა
condition-FORCED_OPEN = კარი ან ტურნიკეტი ძალით გახსნეს

missing-egress_alternative = ტურნიკეტის გვერდით თავისუფალი სათადარიგო გასასვლელი არ არის
missing-desk_or_pay_point = არც ადმინისტრატორია სისტემაში შესული და არც გადახდის პუნქტია კავშირზე
missing-calm_exit = საგანგებო ვითარებაა, ტურნიკეტი არ მუშაობს ან გასასვლელთან ხალხმრავლობაა
missing-time_left = შეყოვნების დრო ამოიწურა
missing-identity_time_left = შეყოვნების დრო ამოიწურა
missing-may_be_held = ამ სტუმრის შეყოვნება არ შეიძლება
missing-entry_on_record = შესვლა ჩაწერილი არ არის
missing-desk = სალაროსთან არავინ არის
missing-known_child = არ არის ცნობილი, რომ ბავშვია
missing-identity_in_doubt = სამაჯური ან ბარათი ცნობილია

state-active = აქტიური
state-grace = საშეღავათო ვადაში
state-past_due = გადაუხდელი
state-frozen = გაყინული
state-suspended = შეჩერებული
state-cancelled = გაუქმებული
state-expired = ვადაგასული
state-depleted = ამოწურული
state-unknown = უცნობი
state-lost = დაკარგული
state-stolen = მოპარული
state-blocked = დაბლოკილი
state-returned = დაბრუნებული
state-free = თავისუფალი
state-controlled = კონტროლირებადი
state-locked = დაკეტილი
state-out_of_service = არ მუშაობს

class-grant = უშვებს
class-charge = არიცხავს საფასურს
class-warn = აფრთხილებს
class-hold = აყოვნებს
class-deny = არ უშვებს
class-ignore = უგულებელყოფს
class-release = ხსნის

span-days = { $n } დღე
span-hours = { $n } სთ
span-minutes = { $n } წთ
span-seconds = { $n } წმ

yes = კი
no = არა
none = არ არის
who-member = წევრი { $id }
who-card = ბარათი { $uid }
who-nobody = უცნობი პირი
also = აგრეთვე: { $sentence }
not-held = არ შეყოვნდა, რადგან { $why }
value-set = { $parameter } = { $value }, წყარო: { $scope }
value-default = { $parameter } = { $value }, ნაგულისხმევი
scope-site = ობიექტი
scope-zone = ზონა { $name }
scope-device = მოწყობილობა { $name }
scope-terminal = ტერმინალი { $name }
scope-tariff = ტარიფი { $name }
scope-group = ჯგუფი { $name }
scope-member = ეს წევრი
scope-role = როლი { $name }
origin-rule = წესი { $file }:{ $line }
origin-floor = ჩაშენებული

order-granted = ოპერაცია შესრულდა
command-heading = რა მოჰყვა ბრძანებას
opens-heading = რა გახსნის გასასვლელს
opens-nothing = ვერც კართან და ვერც სალაროსთან ვერაფერი: { $reasons }
opens-wait = მობრძანდით ხელახლა: { $until }
opens-enter-pin = შეიყვანეთ ბარათის PIN-კოდი
opens-return-band = ჩააგდეთ სამაჯური მიმღებში
opens-free-lockers = გაათავისუფლეთ და გახსენით კარადა { $lockers }
opens-bring-adults = { $adults ->
    [one] მობრძანდით იმავე ჯგუფის ზრდასრულთან ერთად
   *[other] მობრძანდით იმავე ჯგუფის კიდევ { $adults } ზრდასრულთან ერთად
}
opens-fetch-guardian = ბარათს აქ ადებს ის, ვისაც ბავშვის წაყვანის უფლება აქვს
opens-show-document = წარმოადგინეთ დოკუმენტი: { $age } წლის ან უფროსი
opens-load-at-most = შეავსეთ არაუმეტეს { $amount }
opens-pay-otherwise = გადაიხადეთ { $amount } ნაღდად ან ბარათით
opens-pay = გადაიხადეთ დავალიანებიდან { $amount }
opens-top-up = შეავსეთ ანგარიში { $amount }
opens-buy-pass = შეიძინეთ იმავე ტარიფის კიდევ ერთი აბონემენტი
opens-check-photo = პერსონალი: შეადარეთ სახე ფოტოს
opens-record-certificate = პერსონალი: მიიღეთ მოქმედი სამედიცინო ცნობა
opens-release-locker = პერსონალი: განბლოკეთ კარადა { $locker }
opens-pick-up-cash = პერსონალი: ამოიღეთ ნაღდი ფული სალაროდან
opens-other-operator = პერსონალი: ამას აკეთებს თანამშრომელი როლით { $roles }
opens-second-person = ადასტურებს მეორე თანამშრომელი როლით { $roles }
opens-lift = პერსონალი: მოხსენით { $reason } (როლი { $roles })
opens-lift-two = ორი თანამშრომელი: მოხსენით { $reason } (როლი { $roles })
opens-check-identity = პერსონალი: შეამოწმეთ ვინაობა და გაუშვით

audit-decision = გადაწყვეტილება
audit-at = რა დროისთვის
audit-received = მიღებულია
audit-gate = ტურნიკეტი
audit-who = ვინ
audit-outcome = შედეგი
audit-rule-set = წესების ნაკრები
audit-no-rule-set = არც ერთი არ მოქმედებს
audit-facts-version = ფაქტების ვერსია
audit-reasons = მიზეზები
audit-values = გამოყენებული მნიშვნელობები
audit-facts = ფაქტები
audit-no-facts = არ შეგროვებულა: მოთხოვნა მანამდე დასრულდა
