# Ինչ է կարդում ընդունարանը՝ փաստեր, ոչ թե հետևանքներ․ որոշումը գրված է նախադասության կողքին։
# Հաղորդագրությունն առանց դատարկ տեղերի նախադասությունն է, ատրիբուտներն ավելի լրիվ են, ամենալրիվը՝ առաջինը։

desk-DUPLICATE_READ = Կրկին կարդացվել է թույլատրելի ժամանակից շուտ
    .limit = Կրկին կարդացվել է { $limit } ընթացքում
desk-EVENT_STALE = Հարցումն ուշացել է
    .limit = Հարցումը թույլատրելիից հին է ({ $limit })
desk-EMERGENCY_RELEASE = Արտակարգ իրավիճակ․ ելքը բաց է
desk-EMERGENCY_ENTRY_CLOSED = Արտակարգ իրավիճակ․ մուտքն արգելված է
desk-GRANTED_FREE_MODE = Անցակետն ազատ ռեժիմում է․ գրանցվել է առանց ստուգման
desk-GATE_LOCKED = Անցակետը փակ է կամ չի աշխատում
    .state = Անցակետի ռեժիմը՝ { $state }
desk-POLICY_UNAVAILABLE = Կանոնները չեն պատասխանում․ օգնեք հյուրին անցակետի մոտ
desk-CREDENTIAL_UNKNOWN = Անծանոթ քարտ կամ ապարանջան
desk-CREDENTIAL_LOST_STOLEN = Քարտը կամ ապարանջանը հայտարարված է կորած կամ գողացված
    .state = Քարտի կամ ապարանջանի վիճակը՝ { $state }
desk-CREDENTIAL_NOT_VALID_NOW = Քարտը կամ ապարանջանն այժմ չի գործում
    .state = Քարտը կամ ապարանջանն այժմ չի գործում՝ { $state }
desk-CREDENTIAL_LOCKED_OUT = Չափից շատ անհաջող փորձեր
    .until = Չափից շատ անհաջող փորձեր, արգելափակված է մինչև { $until }
desk-CREDENTIAL_NOT_RETURNED = Ապարանջանը հանձնված չէ․ այն պետք է գցել ընդունիչի մեջ
desk-AUTH_FACTOR_FAILED = PIN կոդի կամ լուսանկարի ստուգումը ձախողվել է
desk-DURESS = Լուռ տագնապ
desk-MEMBERSHIP_IN_GRACE = Աբոնեմենտի ժամկետն ավարտվել է, գործում է արտոնյալ ժամկետը
    .until = Աբոնեմենտի ժամկետն ավարտվել է, արտոնյալ ժամկետը գործում է մինչև { $until }
desk-VISITS_LOW = Քիչ այց է մնացել
    .left = { $left ->
        [0] Աբոնեմենտի վերջին այցը
       *[other] Մնացել է { $left } այց
    }
desk-MEDICAL_CERTIFICATE_EXPIRING = Բժշկական տեղեկանքի ժամկետը շուտով կլրանա
    .days = { $days ->
        [0] Բժշկական տեղեկանքի ժամկետը լրանում է այսօր
       *[other] Բժշկական տեղեկանքի ժամկետը կլրանա { $days } օրից
    }
desk-MEMBER_BLOCKED = Հյուրն արգելափակված է
desk-MEMBERSHIP_NOT_ACTIVE = Աբոնեմենտն ակտիվ չէ
    .state-since = Աբոնեմենտը՝ { $state }, { $since }-ից
    .state = Աբոնեմենտը՝ { $state }
desk-VISITS_EXHAUSTED = Այցեր այլևս չեն մնացել
desk-VISIT_LIMIT_REACHED = Ժամանակահատվածի այցերը սպառված են
    .limit-until = Ժամանակահատվածի { $limit } այցն օգտագործված է, հաջորդը՝ { $until }-ից
    .limit = Ժամանակահատվածի { $limit } այցն օգտագործված է
desk-MEDICAL_CERTIFICATE_INVALID = Բժշկական տեղեկանք չկա, կամ դրա ժամկետն անցել է
    .days = Բժշկական տեղեկանքի ժամկետն անցել է { $days } օր առաջ
desk-NO_ACCESS_RIGHTS = Ոչ մի աբոնեմենտ չի ներառում այս գոտին
    .zone = Ոչ մի աբոնեմենտ չի ներառում «{ $zone }» գոտին
desk-SITE_CLOSED = Օբյեկտը փակ է
    .opens_at = Օբյեկտը փակ է, կբացվի { $opens_at }-ին
desk-OUTSIDE_TARIFF_WINDOW = Աբոնեմենտի ժամերից դուրս
    .opens_at = Աբոնեմենտի ժամերից դուրս, հաջորդ մուտքը՝ { $opens_at }-ից
desk-REENTRY_NOT_ALLOWED = Միանգամյա տոմսն արդեն օգտագործված է
    .since = Միանգամյա տոմսն արդեն օգտագործված է, հյուրը դրսում է { $since }-ից
desk-EXIT_RECORD_CORRECTED = Մուտքը գրանցված չէր․ ներկայությունն ուղղվել է
desk-ANTI_PASSBACK_SOFT = Արդեն ներսում է․ թույլատրվել և գրանցվել է
    .zone-since = Արդեն ներսում է՝ «{ $zone }», { $since }-ից․ թույլատրվել և գրանցվել է
    .since = Արդեն ներսում է { $since }-ից․ թույլատրվել և գրանցվել է
    .zone = Արդեն ներսում է՝ «{ $zone }»․ թույլատրվել և գրանցվել է
desk-ANTI_PASSBACK = Արդեն ներսում է
    .zone-since = Արդեն ներսում է՝ «{ $zone }», { $since }-ից
    .since = Արդեն ներսում է { $since }-ից
    .zone = Արդեն ներսում է՝ «{ $zone }»
desk-PASSAGE_PENDING = Այս քարտով կամ ապարանջանով արդեն անցնում են
desk-ZONE_FULL = Գոտին լի է
    .zone-people-limit = «{ $zone }» գոտին լի է ({ $people } / { $limit })
    .people-limit = Գոտին լի է ({ $people } / { $limit })
    .zone = «{ $zone }» գոտին լի է
desk-AGE_BELOW_MINIMUM = Տարիքը թույլատրելիից փոքր է
    .age-limit = Տարիքը՝ { $age } տարեկան, մուտքը՝ { $limit } տարեկանից
    .limit = Տարիքը թույլատրելիից փոքր է․ մուտքը՝ { $limit } տարեկանից
desk-SUPERVISION_REQUIRED = Երեխային ուղեկցող մեծահասակ է պետք, կամ մեկ մեծահասակի հետ չափից շատ երեխա կա
    .children-adults-limit = { $children } երեխա, { $adults } մեծահասակ․ մեկ մեծահասակի հետ՝ առավելագույնը { $limit }
    .age = { $age } տարեկան երեխային ուղեկցող մեծահասակ է պետք
desk-PICKUP_NOT_AUTHORISED = Երեխային կարող է տանել միայն լիազորված մեծահասակը
    .age = { $age } տարեկան երեխային կարող է տանել միայն լիազորված մեծահասակը
desk-GUEST_LIMIT_REACHED = Հրավիրյալների այցեր այլևս չեն մնացել
    .limit = { $limit ->
        [0] Աբոնեմենտը հրավիրյալների այցեր չի նախատեսում
       *[other] Ժամանակահատվածում օգտագործված է հրավիրյալների { $limit } այց
    }
desk-OVERSTAY_WARNING = Վճարված ժամանակից երկար է մնացել
    .overstay-until = Վճարված ժամանակից (մինչև { $until }) { $overstay }-ով երկար է մնացել
    .overstay = Վճարված ժամանակից { $overstay }-ով երկար է մնացել
desk-OVERSTAY_CHARGED = Լրացուցիչ ժամանակի հավելավճար
    .amount-overstay-units = Հավելավճար՝ { $amount }, { $units } միավոր․ գերազանցումը՝ { $overstay }
    .amount-units = Հավելավճար՝ { $amount }, { $units } միավոր
    .amount-overstay = Հավելավճար՝ { $amount }․ գերազանցումը՝ { $overstay }
    .amount = Հավելավճար՝ { $amount }
desk-DEBT_WARNING = Հաշվում պարտք կա
    .amount-since = Պարտք՝ { $amount }, { $since }-ից
    .amount = Պարտք՝ { $amount }
desk-DEBT_ENTRY_BLOCKED = Հաշվում ժամկետանց պարտք կա
    .amount-since = Ժամկետանց պարտք՝ { $amount }, { $since }-ից
    .amount = Ժամկետանց պարտք՝ { $amount }
desk-DEBT_EXIT_HOLD = Պարտքը պետք է մարել ընդունարանում կամ վճարման կետում
    .amount-until = Պետք է մարել { $amount } ընդունարանում կամ վճարման կետում․ պահումը՝ մինչև { $until }
    .amount = Պետք է մարել { $amount } ընդունարանում կամ վճարման կետում
desk-DEBT_EXIT_RELEASED = Պահման ժամանակը սպառվել է, մնացել է պարտք
    .amount = Պահման ժամանակը սպառվել է, մնացել է պարտք՝ { $amount }
desk-WALLET_LIMIT_EXCEEDED = Դրամապանակի գումարը բավարար չէ
    .available-needed = Հասանելի է { $available }, անհրաժեշտ է { $needed }
    .needed = Դրամապանակի գումարը բավարար չէ, անհրաժեշտ է { $needed }
desk-DAILY_SPEND_LIMIT = Գերազանցում է օրական սահմանաչափը
    .limit-remaining = Օրական սահմանաչափը՝ { $limit }, մնացել է { $remaining }
    .remaining = Օրական սահմանաչափ, մնացել է { $remaining }
desk-LOCKER_OCCUPIED_AT_EXIT = Պահարանը դեռ կողպված է
    .locker = { $locker } համարի պահարանը դեռ կողպված է
desk-LOCKER_LIMIT_REACHED = Պահարանների թույլատրելի քանակն արդեն զբաղեցված է
    .lockers-limit = Այստեղ արդեն զբաղեցված է { $lockers } պահարան, թույլատրվում է առավելագույնը { $limit }
desk-LOCKER_NOT_YOURS = Պահարանը պատկանում է այլ քարտի կամ ապարանջանի
    .locker = { $locker } համարի պահարանը պատկանում է այլ քարտի կամ ապարանջանի
desk-LOCKER_TIME_EXCEEDED = Պահարանի ժամանակը սպառվել է
    .locker-since = { $locker } համարի պահարանի ժամանակը սպառվել է { $since }-ին
    .locker = { $locker } համարի պահարանի ժամանակը սպառվել է
desk-GRANTED = Անցումը թույլատրված է
