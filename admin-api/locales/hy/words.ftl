# Բառեր և նախադասություններ՝ ընդհանուր էջերի և հրամանի տողի համար։

outcome-grant = թույլատրված
outcome-grant_with_warning = զգուշացում
outcome-hold = պահում
outcome-deny = մերժված
outcome-ignore = անտեսված
outcome-release = բացված

direction-entry = մուտք
direction-exit = ելք
direction-locker_open = պահարան՝ բացել
direction-locker_close = պահարան՝ փակել
direction-sale = վաճառք
direction-topup = համալրում
direction-refund = վերադարձ
direction-operator = օպերատոր

condition-PASSAGE_MADE = Անցումը կատարվեց
condition-PASSAGE_NOT_MADE = Անցումը չկատարվեց․ ժամանակավոր գրառումները չեղարկվեցին
condition-PASSAGE_UNEXPECTED = Անցում առանց թույլտվության
condition-TAMPER = Սարքի պատյանը բացվել է
condition-BATTERY_LOW = Սարքի մարտկոցը նստում է
condition-POWER_LOST = Սարքի սնուցումն անջատվել է
condition-DEVICE_ONLINE = Սարքը կապի մեջ է
condition-DEVICE_OFFLINE = Սարքի հետ կապը կորել է
condition-EMERGENCY_STARTED = Արտակարգ իրավիճակ․ բոլոր անցակետերը բացված են
condition-EMERGENCY_INPUT_CLEARED = Արտակարգ ազդանշանն անջատվել է․ անցակետերը բաց են մնում, մինչև երկու օպերատոր հաստատեն
condition-EMERGENCY_RESET = Արտակարգ իրավիճակը վերացրել են երկու օպերատոր
condition-MESSAGE_REFUSED = Սարքի հաղորդագրությունը հնարավոր չեղավ կարդալ
condition-BAND_COLLECTED = Թևնոցը ընդունիչում է
condition-AUDIT_GAP = Գրառումներ են պակասում, կամ մատյանը խախտված է կամ չի գրվում
condition-RULES_DEGRADED = Կանոնների ֆայլը մերժվել է․ գործում են վերջին ճիշտ կանոնները
condition-CLOCK_STEP = Ժամացույցը շեղվել է թույլատրելիից ավելի
condition-COMMAND_FAILED = Սարքին տրված հրամանը չկատարվեց․ հնարավոր է՝ ոչինչ չի բացվել
condition-LOCK_FAULT = Կողպեքն անսարք է
condition-CONCURRENT_USE = Նույն քարտը կամ ապարանջանը միաժամանակ կարդացել է երկու ընթերցիչ․ գուցե պատճեն է
condition-HELD_OPEN = Դուռը կամ անցակետը չափից երկար բաց է
condition-FORCED_OPEN = Դուռը կամ անցակետը բացվել է ուժով

missing-egress_alternative = անցակետի կողքին ազատ այլընտրանքային ելք չկա
missing-desk_or_pay_point = ոչ մի ընդունարան մուտք չի գործել, և ոչ մի վճարման կետ կապի մեջ չէ
missing-calm_exit = արտակարգ իրավիճակ է, անցակետը չի աշխատում, կամ ելքի մոտ կուտակում է
missing-time_left = պահման ժամանակը սպառվել է
missing-identity_time_left = պահման ժամանակը սպառվել է
missing-may_be_held = այս հյուրին պահել չի կարելի
missing-entry_on_record = մուտքը գրանցված չէ
missing-desk = սեղանի մոտ ոչ ոք չկա
missing-known_child = հայտնի չէ, որ երեխա է
missing-identity_in_doubt = թևնոցը կամ քարտը հայտնի է

state-active = ակտիվ
state-grace = արտոնյալ ժամկետում
state-past_due = չվճարված
state-frozen = սառեցված
state-suspended = կասեցված
state-cancelled = չեղարկված
state-expired = ժամկետանց
state-depleted = սպառված
state-unknown = անծանոթ
state-lost = կորած
state-stolen = գողացված
state-blocked = արգելափակված
state-returned = վերադարձված
state-free = ազատ
state-controlled = վերահսկվող
state-locked = փակ
state-out_of_service = չի աշխատում

class-grant = թույլատրում է
class-charge = գանձում է
class-warn = զգուշացնում է
class-hold = պահում է
class-deny = մերժում է
class-ignore = անտեսում է
class-release = բացում է

span-days = { $n } օր
span-hours = { $n } ժ
span-minutes = { $n } ր
span-seconds = { $n } վ

yes = այո
no = ոչ
none = չկա
who-member = Անդամ { $id }
who-card = Քարտ { $uid }
who-nobody = Անհայտ անձ
also = Նաև՝ { $sentence }
not-held = Չպահվեց, քանի որ { $why }
value-set = { $parameter } = { $value }, աղբյուրը՝ { $scope }
value-default = { $parameter } = { $value }, լռելյայն
scope-site = օբյեկտ
scope-zone = գոտի { $name }
scope-device = սարք { $name }
scope-terminal = տերմինալ { $name }
scope-tariff = սակագին { $name }
scope-group = խումբ { $name }
scope-member = այս անդամը
scope-role = դեր { $name }
origin-rule = կանոն { $file }:{ $line }
origin-floor = ներկառուցված

order-granted = Գործողությունը կատարվեց
command-heading = Ինչ եղավ հրամանի հետ
opens-heading = Ինչը կբացի անցումը
opens-nothing = Ո՛չ անցման մոտ, ո՛չ սպասարկման կետում՝ ոչինչ. { $reasons }
opens-wait = Մոտեցեք կրկին՝ { $until }
opens-enter-pin = Մուտքագրեք քարտի PIN-ը
opens-return-band = Գցեք թևնոցն ընդունիչի մեջ
opens-free-lockers = Ազատեք և բացեք պահարանը՝ { $lockers }
opens-bring-adults = { $adults ->
    [one] Եկեք նույն խմբի մեծահասակի հետ
   *[other] Եկեք նույն խմբի ևս { $adults } մեծահասակի հետ
}
opens-fetch-guardian = Այստեղ քարտը մոտեցնում է նա, ով իրավունք ունի երեխային տանելու
opens-show-document = Ցույց տվեք փաստաթուղթ՝ { $age } տարեկան կամ ավելի
opens-load-at-most = Լիցքավորեք առավելագույնը { $amount }
opens-pay-otherwise = Վճարեք { $amount } կանխիկ կամ քարտով
opens-pay = Մարեք պարտքից { $amount }
opens-top-up = Լիցքավորեք { $amount }
opens-buy-pass = Գնեք նույն սակագնի ևս մեկ աբոնեմենտ
opens-check-photo = Անձնակազմ՝ համեմատեք դեմքը լուսանկարի հետ
opens-record-certificate = Անձնակազմ՝ ընդունեք գործող բժշկական տեղեկանք
opens-release-locker = Անձնակազմ՝ ապաարգելափակեք պահարանը { $locker }
opens-pick-up-cash = Անձնակազմ՝ հանեք կանխիկը դրամարկղից
opens-other-operator = Անձնակազմ՝ դա անում է { $roles } դերով աշխատակիցը
opens-second-person = Հաստատում է { $roles } դերով երկրորդ աշխատակիցը
opens-lift = Անձնակազմ՝ հանեք { $reason } (դերը՝ { $roles })
opens-lift-two = Երկու աշխատակից՝ հանեք { $reason } (դերը՝ { $roles })
opens-check-identity = Անձնակազմ՝ ստուգեք ինքնությունը և բաց թողեք

audit-decision = Որոշում
audit-at = Որ պահի համար
audit-received = Ստացվել է
audit-gate = Անցակետ
audit-who = Ով
audit-outcome = Արդյունք
audit-rule-set = Կանոնների հավաքածու
audit-no-rule-set = ոչ մեկը չի գործում
audit-facts-version = Փաստերի տարբերակը
audit-reasons = Պատճառներ
audit-values = Օգտագործված արժեքներ
audit-facts = Փաստեր
audit-no-facts = չեն հավաքվել․ հարցումն ավելի վաղ է ավարտվել
