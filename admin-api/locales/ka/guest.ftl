# რას კითხულობს სტუმარი ტურნიკეტის ეკრანზე: არც დავალიანების თანხა, არც ჯანმრთელობა, არც საყვედური.
# შეტყობინება უბლანკო წინადადებაა; ატრიბუტი უფრო სრულია და მაშინ გამოიყენება, როცა ყველა ცვლადი ცნობილია.

-go-through = გთხოვთ, გაიაროთ.
-come-to-desk = გთხოვთ, მიმართოთ ადმინისტრატორს.
-see-desk = როცა მოახერხებთ, მიმართეთ ადმინისტრატორს.
-one-moment = გთხოვთ, ცოტა ხანს მოიცადოთ.

guest-DUPLICATE_READ = უკვე წაკითხულია, ერთი წამით.
guest-EVENT_STALE = გთხოვთ, ბარათი ან სამაჯური ხელახლა მიადოთ.
guest-EMERGENCY_RELEASE = საგანგებო ვითარება: გასასვლელი ღიაა. გთხოვთ, მშვიდად დატოვოთ შენობა.
guest-EMERGENCY_ENTRY_CLOSED = საგანგებო ვითარება: გთხოვთ, ნუ შეხვალთ.
guest-GRANTED_FREE_MODE = { -go-through }
guest-GATE_LOCKED = { $gate ->
    [open] { -go-through }
   *[closed] ეს ტურნიკეტი დაკეტილია. გთხოვთ, ისარგებლოთ სხვა ტურნიკეტით.
}
guest-DEVICE_OFFLINE = { $gate ->
    [open] { -go-through }
   *[closed] ახლა შემოწმება ვერ ხერხდება. { -come-to-desk }
}
guest-POLICY_UNAVAILABLE = { $gate ->
    [open] { -go-through }
   *[closed] გთხოვთ, მოიცადოთ: თანამშრომელი ახლავე დაგეხმარებათ.
}
guest-CREDENTIAL_UNKNOWN = { $gate ->
    [open] { -go-through }
   *[closed] ეს ბარათი ან სამაჯური სისტემაში ვერ მოიძებნა. { -come-to-desk }
}
guest-CREDENTIAL_LOST_STOLEN = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-CREDENTIAL_NOT_VALID_NOW = { $gate ->
    [open] { -go-through }
   *[closed] ეს ბარათი ან სამაჯური ამჟამად არ მოქმედებს. { -come-to-desk }
}
guest-CREDENTIAL_LOCKED_OUT = { $gate ->
    [open] { -go-through }
   *[closed] ძალიან ბევრი მცდელობა იყო. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] ძალიან ბევრი მცდელობა იყო. გთხოვთ, სცადოთ ხელახლა { $until }-ის შემდეგ.
    }
guest-CREDENTIAL_NOT_RETURNED = { $gate ->
    [open] { -go-through } სამაჯური ადმინისტრატორს დაუტოვეთ.
   *[closed] გთხოვთ, სამაჯური ტურნიკეტის მიმღებში ჩააგდოთ.
}
guest-AUTH_FACTOR_FAILED = { $gate ->
    [open] { -go-through }
   *[closed] შემოწმება ვერ შესრულდა. გთხოვთ, სცადოთ ხელახლა ან მიმართოთ ადმინისტრატორს.
}
# ჩუმი განგაში: სტუმრის გვერდით მდგომმა იგივე უნდა წაიკითხოს, რაც ყოველთვის იწერება.
guest-DURESS = { $gate ->
    [open] { guest-GRANTED }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_IN_GRACE = თქვენს აბონემენტს ვადა გაუვიდა. გთხოვთ, განაახლოთ ადმინისტრატორთან.
    .until = თქვენს აბონემენტს ვადა გაუვიდა; შემოსვლა კიდევ შეგიძლიათ { $until }-მდე.
guest-VISITS_LOW = { -go-through } აბონემენტზე ცოტა ვიზიტი დაგრჩათ.
    .left = { -go-through } { $left ->
        [0] ეს აბონემენტის ბოლო ვიზიტია.
       *[other] აბონემენტზე დაგრჩათ { $left } ვიზიტი.
    }
guest-MEDICAL_CERTIFICATE_EXPIRING = { -go-through } { -see-desk }
guest-MEMBER_BLOCKED = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_NOT_ACTIVE = { $gate ->
    [open] { -go-through }
   *[closed] თქვენი აბონემენტი აქტიური არ არის. { -come-to-desk }
}
guest-VISITS_EXHAUSTED = { $gate ->
    [open] { -go-through }
   *[closed] აბონემენტზე ვიზიტები აღარ დაგრჩათ. { -come-to-desk }
}
guest-VISIT_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] ამ პერიოდის ვიზიტები ამოწურულია. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] ამ პერიოდის ვიზიტები ამოწურულია. შემდეგი ვიზიტი შესაძლებელია { $until }-დან.
    }
guest-MEDICAL_CERTIFICATE_INVALID = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-NO_ACCESS_RIGHTS = { $gate ->
    [open] { -go-through }
   *[closed] თქვენი აბონემენტი ამ ზონაში არ მოქმედებს. { -come-to-desk }
}
guest-SITE_CLOSED = { $gate ->
    [open] { -go-through }
   *[closed] ახლა დაკეტილია.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] ახლა დაკეტილია. ვიხსნებით { $opens_at }-ზე.
    }
guest-OUTSIDE_TARIFF_WINDOW = { $gate ->
    [open] { -go-through }
   *[closed] თქვენი აბონემენტი ამ დროს არ მოქმედებს.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] თქვენი აბონემენტით შემოსვლა შეგიძლიათ { $opens_at }-დან.
    }
guest-REENTRY_NOT_ALLOWED = { $gate ->
    [open] { -go-through }
   *[closed] ეს ბილეთი ერთჯერადია და უკვე გამოყენებულია. { -come-to-desk }
}
guest-EXIT_RECORD_CORRECTED = ნახვამდის!
guest-ANTI_PASSBACK_SOFT = { -go-through }
guest-ANTI_PASSBACK = { $gate ->
    [open] { -go-through }
   *[closed] ამ ბარათით ან სამაჯურით შესვლა უკვე აღრიცხულია. { -come-to-desk }
}
guest-PASSAGE_PENDING = { $gate ->
    [open] { -go-through }
   *[closed] ამ ბარათით ან სამაჯურით გავლა უკვე მიმდინარეობს. ერთი წამით.
}
guest-ZONE_FULL = { $gate ->
    [open] { -go-through }
   *[closed] შიგნით თავისუფალი ადგილი აღარ არის. გთხოვთ, ცოტა ხანს მოიცადოთ.
}
guest-AGE_BELOW_MINIMUM = { $gate ->
    [open] { -go-through }
   *[closed] ამ ზონაში ასაკობრივი შეზღუდვა მოქმედებს. { -come-to-desk }
}
    .limit = { $gate ->
        [open] { -go-through }
       *[closed] ამ ზონაში შემოსვლა შეიძლება { $limit } წლიდან. { -come-to-desk }
    }
guest-SUPERVISION_REQUIRED = { $gate ->
    [open] { -go-through }
   *[closed] ბავშვები აქ ზრდასრულთან ერთად შემოდიან. გთხოვთ, შემოხვიდეთ ერთად ან მიმართოთ ადმინისტრატორს.
}
guest-PICKUP_NOT_AUTHORISED = { $gate ->
    [open] { -go-through }
   *[closed] გთხოვთ, აქ დაელოდოთ ზრდასრულს, რომელიც წაგიყვანთ. თანამშრომელი დაგეხმარებათ.
}
guest-GUEST_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] მოწვეულთა ვიზიტები აღარ დაგრჩათ. { -come-to-desk }
}
guest-OVERSTAY_WARNING = { -go-through } გადახდილი დრო ამოიწურა.
guest-OVERSTAY_CHARGED = { $gate ->
    [open] { -go-through } დამატებითი დრო თქვენს ანგარიშზე აისახა.
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
   *[closed] ბალანსი ამ ვიზიტისთვის საკმარისი არ არის. გთხოვთ, შეავსოთ ადმინისტრატორთან.
}
guest-WALLET_MAX_EXCEEDED = ბალანსზე ამდენი თანხა ვერ იქნება. გთხოვთ, აირჩიოთ უფრო მცირე თანხა.
guest-DAILY_SPEND_LIMIT = { $gate ->
    [open] { -go-through }
   *[closed] ეს დღიურ ლიმიტზე მეტია. ანგარიშის მფლობელს მისი გაზრდა ადმინისტრატორთან შეუძლია.
}
guest-DISCOUNT_NEEDS_APPROVAL = ფასდაკლებას დადასტურება სჭირდება. { -one-moment }
guest-REFUND_NEEDS_APPROVAL = თანხის დაბრუნებას დადასტურება სჭირდება. { -one-moment }
guest-AGE_RESTRICTED_ITEM = ამ საქონელზე ასაკობრივი შეზღუდვა მოქმედებს. გთხოვთ, მოლარეს პირადობის მოწმობა უჩვენოთ.
    .limit = ეს საქონელი { $limit } წლიდან იყიდება. გთხოვთ, მოლარეს პირადობის მოწმობა უჩვენოთ.
guest-CASH_DRAWER_LIMIT = { $gate ->
    [open] გმადლობთ!
   *[closed] ეს სალარო ახლა ნაღდ ფულს ვერ იღებს. { -one-moment }
}
guest-LOCKER_OCCUPIED_AT_EXIT = { $gate ->
    [open] { -go-through } თქვენი კარადა ჯერ კიდევ ჩაკეტილია.
   *[closed] თქვენი კარადა ჯერ კიდევ ჩაკეტილია. გთხოვთ, გასვლამდე გაათავისუფლოთ.
}
    .locker = { $gate ->
        [open] { -go-through } კარადა { $locker } ჯერ კიდევ ჩაკეტილია.
       *[closed] კარადა { $locker } ჯერ კიდევ ჩაკეტილია. გთხოვთ, გასვლამდე გაათავისუფლოთ.
    }
guest-LOCKER_LIMIT_REACHED = აქ კარადა უკვე გაქვთ. გთხოვთ, ჯერ ის გაათავისუფლოთ.
    .lockers = { $lockers ->
        [one] აქ უკვე გაქვთ { $lockers } კარადა. გთხოვთ, ჯერ ის გაათავისუფლოთ.
       *[other] აქ უკვე გაქვთ { $lockers } კარადა. გთხოვთ, ჯერ ერთ-ერთი გაათავისუფლოთ.
    }
guest-LOCKER_NOT_YOURS = ეს სხვა სტუმრის კარადაა. გთხოვთ, გადაამოწმოთ ნომერი ან მიმართოთ ადმინისტრატორს.
guest-LOCKER_TIME_EXCEEDED = { $gate ->
    [open] თქვენი კარადის დრო ამოიწურა. { -see-desk }
   *[closed] თქვენი კარადის დრო ამოიწურა. { -come-to-desk }
}
guest-GRANTED_OVERRIDE = გმადლობთ მოთმინებისთვის. { -go-through }
guest-OPERATOR_NOT_PERMITTED = სხვა თანამშრომელი დაგეხმარებათ. { -one-moment }
guest-TERMINAL_NOT_PERMITTED = ამ ტერმინალზე ეს შეუძლებელია. { -come-to-desk }
guest-OVERRIDE_NOT_ALLOWED = სხვა თანამშრომელი დაგეხმარებათ. { -one-moment }
guest-SECOND_OPERATOR_REQUIRED = საჭიროა მეორე თანამშრომლის დადასტურება. { -one-moment }
guest-GRANTED = { $direction ->
    [exit] ნახვამდის!
    [locker] კარადა თქვენს განკარგულებაშია.
    [till] გმადლობთ!
   *[entry] კეთილი იყოს თქვენი მობრძანება!
}
