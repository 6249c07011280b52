# Ինչ է կարդում հյուրն անցակետի էկրանին՝ առանց պարտքի գումարի, առողջության տվյալների և նախատինքի։
# Հաղորդագրությունն առանց դատարկ տեղերի նախադասությունն է, ատրիբուտը՝ ավելի լրիվը, երբ բոլոր արժեքները հայտնի են։

-go-through = Խնդրում ենք անցնել։
-come-to-desk = Խնդրում ենք մոտենալ ընդունարան։
-see-desk = Հարմար պահի մոտեցեք ընդունարան։
-one-moment = Խնդրում ենք մի փոքր սպասել։

guest-DUPLICATE_READ = Արդեն կարդացվել է, մի վայրկյան։
guest-EVENT_STALE = Խնդրում ենք քարտը կամ ապարանջանը կրկին մոտեցնել։
guest-EMERGENCY_RELEASE = Արտակարգ իրավիճակ․ ելքը բաց է։ Խնդրում ենք հանգիստ դուրս գալ շենքից։
guest-EMERGENCY_ENTRY_CLOSED = Արտակարգ իրավիճակ․ խնդրում ենք չմտնել։
guest-GRANTED_FREE_MODE = { -go-through }
guest-GATE_LOCKED = { $gate ->
    [open] { -go-through }
   *[closed] Այս անցակետը փակ է։ Խնդրում ենք օգտվել մյուսից։
}
guest-DEVICE_OFFLINE = { $gate ->
    [open] { -go-through }
   *[closed] Այս պահին հնարավոր չէ ստուգել։ { -come-to-desk }
}
guest-POLICY_UNAVAILABLE = { $gate ->
    [open] { -go-through }
   *[closed] Խնդրում ենք սպասել․ աշխատակիցն իսկույն կօգնի Ձեզ։
}
guest-CREDENTIAL_UNKNOWN = { $gate ->
    [open] { -go-through }
   *[closed] Այս քարտը կամ ապարանջանը համակարգում չի գտնվել։ { -come-to-desk }
}
guest-CREDENTIAL_LOST_STOLEN = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-CREDENTIAL_NOT_VALID_NOW = { $gate ->
    [open] { -go-through }
   *[closed] Այս քարտը կամ ապարանջանն այս պահին չի գործում։ { -come-to-desk }
}
guest-CREDENTIAL_LOCKED_OUT = { $gate ->
    [open] { -go-through }
   *[closed] Չափից շատ փորձեր են եղել։ { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] Չափից շատ փորձեր են եղել։ Խնդրում ենք կրկին փորձել { $until }-ից հետո։
    }
guest-CREDENTIAL_NOT_RETURNED = { $gate ->
    [open] { -go-through } Ապարանջանը թողեք ընդունարանում։
   *[closed] Խնդրում ենք ապարանջանը գցել անցակետի ընդունիչի մեջ։
}
guest-AUTH_FACTOR_FAILED = { $gate ->
    [open] { -go-through }
   *[closed] Ստուգումը չհաջողվեց։ Խնդրում ենք կրկին փորձել կամ մոտենալ ընդունարան։
}
# Լուռ տագնապ․ հյուրի կողքին կանգնածը պետք է կարդա այն, ինչ գրվում է ամեն օր։
guest-DURESS = { $gate ->
    [open] { guest-GRANTED }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_IN_GRACE = Ձեր աբոնեմենտի ժամկետն ավարտվել է։ Խնդրում ենք երկարաձգել այն ընդունարանում։
    .until = Ձեր աբոնեմենտի ժամկետն ավարտվել է․ դեռ կարող եք մուտք գործել մինչև { $until }։
guest-VISITS_LOW = { -go-through } Աբոնեմենտում քիչ այց է մնացել։
    .left = { -go-through } { $left ->
        [0] Սա աբոնեմենտի վերջին այցն է։
       *[other] Աբոնեմենտում մնացել է { $left } այց։
    }
guest-MEDICAL_CERTIFICATE_EXPIRING = { -go-through } { -see-desk }
guest-MEMBER_BLOCKED = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_NOT_ACTIVE = { $gate ->
    [open] { -go-through }
   *[closed] Ձեր աբոնեմենտն ակտիվ չէ։ { -come-to-desk }
}
guest-VISITS_EXHAUSTED = { $gate ->
    [open] { -go-through }
   *[closed] Աբոնեմենտում այցեր այլևս չեն մնացել։ { -come-to-desk }
}
guest-VISIT_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] Այս ժամանակահատվածի այցերը սպառված են։ { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] Այս ժամանակահատվածի այցերը սպառված են։ Հաջորդ այցը հնարավոր է { $until }-ից։
    }
guest-MEDICAL_CERTIFICATE_INVALID = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-NO_ACCESS_RIGHTS = { $gate ->
    [open] { -go-through }
   *[closed] Ձեր աբոնեմենտն այս գոտում չի գործում։ { -come-to-desk }
}
guest-SITE_CLOSED = { $gate ->
    [open] { -go-through }
   *[closed] Այժմ փակ ենք։
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] Այժմ փակ ենք։ Կբացվենք { $opens_at }-ին։
    }
guest-OUTSIDE_TARIFF_WINDOW = { $gate ->
    [open] { -go-through }
   *[closed] Ձեր աբոնեմենտն այս ժամին չի գործում։
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] Ձեր աբոնեմենտով կարող եք մտնել { $opens_at }-ից։
    }
guest-REENTRY_NOT_ALLOWED = { $gate ->
    [open] { -go-through }
   *[closed] Այս տոմսը մեկ մուտքի համար է և արդեն օգտագործված է։ { -come-to-desk }
}
guest-EXIT_RECORD_CORRECTED = Ցտեսություն։
guest-ANTI_PASSBACK_SOFT = { -go-through }
guest-ANTI_PASSBACK = { $gate ->
    [open] { -go-through }
   *[closed] Այս քարտով կամ ապարանջանով մուտքն արդեն գրանցված է։ { -come-to-desk }
}
guest-PASSAGE_PENDING = { $gate ->
    [open] { -go-through }
   *[closed] Այս քարտով կամ ապարանջանով արդեն անցնում են։ Մի վայրկյան։
}
guest-ZONE_FULL = { $gate ->
    [open] { -go-through }
   *[closed] Ներսում ազատ տեղ չկա։ Խնդրում ենք մի փոքր սպասել։
}
guest-AGE_BELOW_MINIMUM = { $gate ->
    [open] { -go-through }
   *[closed] Այս գոտում տարիքային սահմանափակում է գործում։ { -come-to-desk }
}
    .limit = { $gate ->
        [open] { -go-through }
       *[closed] Այս գոտի կարելի է մտնել { $limit } տարեկանից։ { -come-to-desk }
    }
guest-SUPERVISION_REQUIRED = { $gate ->
    [open] { -go-through }
   *[closed] Երեխաներն այստեղ մտնում են մեծահասակի հետ։ Խնդրում ենք մտնել միասին կամ մոտենալ ընդունարան։
}
guest-PICKUP_NOT_AUTHORISED = { $gate ->
    [open] { -go-through }
   *[closed] Խնդրում ենք այստեղ սպասել Ձեզ տանող մեծահասակին։ Աշխատակիցը կօգնի Ձեզ։
}
guest-GUEST_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] Հրավիրյալների այցեր այլևս չեն մնացել։ { -come-to-desk }
}
guest-OVERSTAY_WARNING = { -go-through } Վճարված ժամանակն ավարտվել է։
guest-OVERSTAY_CHARGED = { $gate ->
    [open] { -go-through } Լրացուցիչ ժամանակը գրանցվել է Ձեր հաշվում։
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
   *[closed] Մնացորդն այս այցի համար բավարար չէ։ Խնդրում ենք համալրել այն ընդունարանում։
}
guest-WALLET_MAX_EXCEEDED = Մնացորդն այդքան լինել չի կարող։ Խնդրում ենք ընտրել ավելի փոքր գումար։
guest-DAILY_SPEND_LIMIT = { $gate ->
    [open] { -go-through }
   *[closed] Սա գերազանցում է օրական սահմանաչափը։ Հաշվի տերը կարող է այն բարձրացնել ընդունարանում։
}
guest-DISCOUNT_NEEDS_APPROVAL = Զեղչը պետք է հաստատվի։ { -one-moment }
guest-REFUND_NEEDS_APPROVAL = Գումարի վերադարձը պետք է հաստատվի։ { -one-moment }
guest-AGE_RESTRICTED_ITEM = Այս ապրանքի համար տարիքային սահմանափակում է գործում։ Խնդրում ենք գանձապահին փաստաթուղթ ցույց տալ։
    .limit = Այս ապրանքը վաճառվում է { $limit } տարեկանից։ Խնդրում ենք գանձապահին փաստաթուղթ ցույց տալ։
guest-CASH_DRAWER_LIMIT = { $gate ->
    [open] Շնորհակալություն։
   *[closed] Այս դրամարկղն այժմ կանխիկ չի ընդունում։ { -one-moment }
}
guest-LOCKER_OCCUPIED_AT_EXIT = { $gate ->
    [open] { -go-through } Ձեր պահարանը դեռ կողպված է։
   *[closed] Ձեր պահարանը դեռ կողպված է։ Խնդրում ենք այն ազատել դուրս գալուց առաջ։
}
    .locker = { $gate ->
        [open] { -go-through } Ձեր { $locker } համարի պահարանը դեռ կողպված է։
       *[closed] Ձեր { $locker } համարի պահարանը դեռ կողպված է։ Խնդրում ենք այն ազատել դուրս գալուց առաջ։
    }
guest-LOCKER_LIMIT_REACHED = Դուք այստեղ արդեն պահարան ունեք։ Խնդրում ենք նախ ազատել այն։
    .lockers = { $lockers ->
        [one] Դուք այստեղ արդեն ունեք { $lockers } պահարան։ Խնդրում ենք նախ ազատել այն։
       *[other] Դուք այստեղ արդեն ունեք { $lockers } պահարան։ Խնդրում ենք նախ ազատել մեկը։
    }
guest-LOCKER_NOT_YOURS = Սա այլ հյուրի պահարան է։ Խնդրում ենք ստուգել համարը կամ մոտենալ ընդունարան։
guest-LOCKER_TIME_EXCEEDED = { $gate ->
    [open] Ձեր պահարանի ժամանակը սպառվել է։ { -see-desk }
   *[closed] Ձեր պահարանի ժամանակը սպառվել է։ { -come-to-desk }
}
guest-GRANTED_OVERRIDE = Շնորհակալություն սպասելու համար։ { -go-through }
guest-OPERATOR_NOT_PERMITTED = Ձեզ կօգնի մեկ այլ աշխատակից։ { -one-moment }
guest-TERMINAL_NOT_PERMITTED = Այս տերմինալում դա հնարավոր չէ։ { -come-to-desk }
guest-OVERRIDE_NOT_ALLOWED = Ձեզ կօգնի մեկ այլ աշխատակից։ { -one-moment }
guest-SECOND_OPERATOR_REQUIRED = Պետք է հաստատի նաև երկրորդ աշխատակիցը։ { -one-moment }
guest-GRANTED = { $direction ->
    [exit] Ցտեսություն։
    [locker] Պահարանը Ձեր տրամադրության տակ է։
    [till] Շնորհակալություն։
   *[entry] Բարի գալուստ։
}
