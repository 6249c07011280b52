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
guest-GRANTED = { $direction ->
    [exit] ნახვამდის!
   *[entry] კეთილი იყოს თქვენი მობრძანება!
}
