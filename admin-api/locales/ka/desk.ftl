# რას კითხულობს ადმინისტრატორი: ფაქტები და არა შედეგები; შედეგი წინადადების გვერდით წერია.
# შეტყობინება უბლანკო წინადადებაა; ატრიბუტები უფრო სრულია, ყველაზე სრული პირველია.

desk-DUPLICATE_READ = განმეორებით წაიკითხეს დაშვებულ დროზე ადრე
    .limit = განმეორებით წაიკითხეს { $limit } ინტერვალში
desk-EVENT_STALE = მოთხოვნა დაგვიანებით მოვიდა
    .limit = მოთხოვნა დასაშვებზე ძველია ({ $limit })
desk-EMERGENCY_RELEASE = საგანგებო ვითარება: გასასვლელი ღიაა
desk-EMERGENCY_ENTRY_CLOSED = საგანგებო ვითარება: შესვლა აკრძალულია
desk-GRANTED_FREE_MODE = ტურნიკეტი თავისუფალ რეჟიმშია; ჩაიწერა შემოწმების გარეშე
desk-GATE_LOCKED = ტურნიკეტი დაკეტილია ან არ მუშაობს
    .state = ტურნიკეტის რეჟიმი: { $state }
desk-POLICY_UNAVAILABLE = წესები ვერ პასუხობს; მიეხმარეთ სტუმარს ტურნიკეტთან
desk-CREDENTIAL_UNKNOWN = უცნობი ბარათი ან სამაჯური
desk-CREDENTIAL_LOST_STOLEN = ბარათი ან სამაჯური დაკარგულად ან მოპარულად არის გამოცხადებული
    .state = ბარათის ან სამაჯურის მდგომარეობა: { $state }
desk-CREDENTIAL_NOT_VALID_NOW = ბარათი ან სამაჯური ახლა არ მოქმედებს
    .state = ბარათი ან სამაჯური ახლა არ მოქმედებს: { $state }
desk-CREDENTIAL_LOCKED_OUT = ძალიან ბევრი წარუმატებელი მცდელობა
    .until = ძალიან ბევრი წარუმატებელი მცდელობა, დაბლოკილია { $until }-მდე
desk-CREDENTIAL_NOT_RETURNED = სამაჯური ჩაბარებული არ არის; უნდა ჩაიდოს მიმღებში
desk-AUTH_FACTOR_FAILED = PIN-კოდის ან ფოტოს შემოწმება წარუმატებელია
desk-DURESS = ჩუმი განგაში
desk-MEMBERSHIP_IN_GRACE = აბონემენტს ვადა გაუვიდა, მოქმედებს საშეღავათო ვადა
    .until = აბონემენტს ვადა გაუვიდა, საშეღავათო ვადა მოქმედებს { $until }-მდე
desk-VISITS_LOW = დარჩა ცოტა ვიზიტი
    .left = { $left ->
        [0] აბონემენტის ბოლო ვიზიტი
       *[other] დარჩა { $left } ვიზიტი
    }
desk-MEDICAL_CERTIFICATE_EXPIRING = სამედიცინო ცნობას ვადა მალე გაუვა
    .days = { $days ->
        [0] სამედიცინო ცნობას ვადა დღეს გასდის
       *[other] სამედიცინო ცნობას ვადა { $days } დღეში გაუვა
    }
desk-MEMBER_BLOCKED = სტუმარი დაბლოკილია
desk-MEMBERSHIP_NOT_ACTIVE = აბონემენტი აქტიური არ არის
    .state-since = აბონემენტი: { $state }, { $since }-დან
    .state = აბონემენტი: { $state }
desk-VISITS_EXHAUSTED = ვიზიტები აღარ დარჩა
desk-VISIT_LIMIT_REACHED = პერიოდის ვიზიტები ამოწურულია
    .limit-until = პერიოდის { $limit } ვიზიტი გამოყენებულია, შემდეგი { $until }-დან
    .limit = პერიოდის { $limit } ვიზიტი გამოყენებულია
desk-MEDICAL_CERTIFICATE_INVALID = სამედიცინო ცნობა არ არის ან ვადაგასულია
    .days = სამედიცინო ცნობას ვადა { $days } დღის წინ გაუვიდა
desk-NO_ACCESS_RIGHTS = არც ერთი აბონემენტი არ მოიცავს ამ ზონას
    .zone = არც ერთი აბონემენტი არ მოიცავს ზონას „{ $zone }“
desk-SITE_CLOSED = ობიექტი დაკეტილია
    .opens_at = ობიექტი დაკეტილია, იხსნება { $opens_at }-ზე
desk-OUTSIDE_TARIFF_WINDOW = აბონემენტის საათებს გარეთ
    .opens_at = აბონემენტის საათებს გარეთ, შემდეგი შესვლა { $opens_at }-დან
desk-REENTRY_NOT_ALLOWED = ერთჯერადი ბილეთი უკვე გამოყენებულია
    .since = ერთჯერადი ბილეთი უკვე გამოყენებულია, სტუმარი გარეთაა { $since }-დან
desk-EXIT_RECORD_CORRECTED = შესვლა აღრიცხული არ იყო; ჩანაწერი გასწორდა
desk-ANTI_PASSBACK_SOFT = უკვე შიგნითაა; გატარდა და ჩაიწერა
    .zone-since = უკვე შიგნითაა: „{ $zone }“, { $since }-დან; გატარდა და ჩაიწერა
    .since = უკვე შიგნითაა { $since }-დან; გატარდა და ჩაიწერა
    .zone = უკვე შიგნითაა: „{ $zone }“; გატარდა და ჩაიწერა
desk-ANTI_PASSBACK = უკვე შიგნითაა
    .zone-since = უკვე შიგნითაა: „{ $zone }“, { $since }-დან
    .since = უკვე შიგნითაა { $since }-დან
    .zone = უკვე შიგნითაა: „{ $zone }“
desk-PASSAGE_PENDING = ამ ბარათით ან სამაჯურით გავლა უკვე მიმდინარეობს
desk-ZONE_FULL = ზონა სავსეა
    .zone-people-limit = ზონა „{ $zone }“ სავსეა ({ $people } / { $limit })
    .people-limit = ზონა სავსეა ({ $people } / { $limit })
    .zone = ზონა „{ $zone }“ სავსეა
desk-AGE_BELOW_MINIMUM = ასაკი დასაშვებზე ნაკლებია
    .age-limit = ასაკი: { $age } წელი, შესვლა { $limit } წლიდან
    .limit = ასაკი დასაშვებზე ნაკლებია: შესვლა { $limit } წლიდან
desk-SUPERVISION_REQUIRED = ბავშვს თანმხლები ზრდასრული სჭირდება, ან ერთ ზრდასრულზე მეტისმეტად ბევრი ბავშვია
    .children-adults-limit = { $children } ბავშვი, { $adults } ზრდასრული; ერთ ზრდასრულზე მაქსიმუმ { $limit }
    .age = { $age } წლის ბავშვს თანმხლები ზრდასრული სჭირდება
desk-PICKUP_NOT_AUTHORISED = ბავშვის წაყვანა მხოლოდ უფლებამოსილ ზრდასრულს შეუძლია
    .age = { $age } წლის ბავშვის წაყვანა მხოლოდ უფლებამოსილ ზრდასრულს შეუძლია
desk-GUEST_LIMIT_REACHED = მოწვეულთა ვიზიტები აღარ დარჩა
    .limit = { $limit ->
        [0] აბონემენტი მოწვეულთა ვიზიტებს არ ითვალისწინებს
       *[other] პერიოდში გამოყენებულია მოწვეულთა { $limit } ვიზიტი
    }
desk-OVERSTAY_WARNING = დარჩა გადახდილ დროზე მეტხანს
    .overstay-until = დარჩა გადახდილ დროზე ({ $until }-მდე) { $overstay }-ით მეტხანს
    .overstay = დარჩა გადახდილ დროზე { $overstay }-ით მეტხანს
desk-OVERSTAY_CHARGED = დამატებითი დროის საფასური
    .amount-overstay-units = დამატებითი დროის საფასური { $amount }, { $units } ერთეული; გადაცილება { $overstay }
    .amount-units = დამატებითი დროის საფასური { $amount }, { $units } ერთეული
    .amount-overstay = დამატებითი დროის საფასური { $amount }; გადაცილება { $overstay }
    .amount = დამატებითი დროის საფასური { $amount }
desk-DEBT_WARNING = ანგარიშზე დავალიანებაა
    .amount-since = დავალიანება { $amount }, { $since }-დან
    .amount = დავალიანება { $amount }
desk-DEBT_ENTRY_BLOCKED = ანგარიშზე ვადაგადაცილებული დავალიანებაა
    .amount-since = ვადაგადაცილებული დავალიანება { $amount }, { $since }-დან
    .amount = ვადაგადაცილებული დავალიანება { $amount }
desk-DEBT_EXIT_HOLD = დავალიანება დასაფარია ადმინისტრატორთან ან გადახდის პუნქტში
    .amount-until = დასაფარია { $amount } ადმინისტრატორთან ან გადახდის პუნქტში; შეყოვნება { $until }-მდე
    .amount = დასაფარია { $amount } ადმინისტრატორთან ან გადახდის პუნქტში
desk-DEBT_EXIT_RELEASED = შეყოვნების დრო ამოიწურა, დარჩა დავალიანება
    .amount = შეყოვნების დრო ამოიწურა, დარჩა დავალიანება { $amount }
desk-WALLET_LIMIT_EXCEEDED = საფულეში თანხა საკმარისი არ არის
    .available-needed = ხელმისაწვდომია { $available }, საჭიროა { $needed }
    .needed = საფულეში თანხა საკმარისი არ არის, საჭიროა { $needed }
desk-DAILY_SPEND_LIMIT = დღიურ ლიმიტზე მეტია
    .limit-remaining = დღიური ლიმიტი { $limit }, დარჩენილია { $remaining }
    .remaining = დღიური ლიმიტი, დარჩენილია { $remaining }
desk-LOCKER_OCCUPIED_AT_EXIT = კარადა ჯერ კიდევ ჩაკეტილია
    .locker = კარადა { $locker } ჯერ კიდევ ჩაკეტილია
desk-LOCKER_LIMIT_REACHED = კარადების დასაშვები რაოდენობა უკვე დაკავებულია
    .lockers-limit = აქ უკვე დაკავებულია { $lockers } კარადა, დასაშვებია მაქსიმუმ { $limit }
desk-LOCKER_NOT_YOURS = კარადა სხვა ბარათს ან სამაჯურს ეკუთვნის
    .locker = კარადა { $locker } სხვა ბარათს ან სამაჯურს ეკუთვნის
desk-LOCKER_TIME_EXCEEDED = კარადის დრო ამოიწურა
    .locker-since = კარადა { $locker }: დრო ამოიწურა { $since }-ზე
    .locker = კარადა { $locker }: დრო ამოიწურა
desk-GRANTED = გავლა ნებადართულია
