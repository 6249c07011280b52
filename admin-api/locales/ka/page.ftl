# მხოლოდ საკითხავი გვერდი ადმინისტრატორისთვის და შეცდომების სათაურები.

page-title = Kari – ადმინისტრატორი
page-skip = გადასვლა გადაწყვეტილებებზე
page-language = ენა
page-rules = მოქმედი წესები
page-rules-since = { "{time}" }-დან
page-rules-none = წესები არ მოქმედებს: შესვლა დაკეტილია, გასვლა ღიაა
page-refused = წესების ბოლო ცვლილება უარყოფილია
page-refused-hint = ძალაში რჩება წინა წესები. გაასწორეთ ფაილი და შეინახეთ.
page-connecting = კავშირი მყარდება
page-live = კავშირზეა
page-lost = კავშირი გაწყდა, ვცდით ხელახლა
page-paused = შეჩერებულია
page-pause = შეჩერება
page-resume = გაგრძელება
page-feed = გადაწყვეტილებები ტურნიკეტებთან
page-feed-hint = უახლესი პირველია. ეს გვერდი არაფერს ცვლის.
page-empty = გადაწყვეტილება ჯერ არ არის. მიადეთ ბარათი ტურნიკეტს.
page-gap = აქ რამდენიმე გადაწყვეტილება გამოტოვებულია და იტვირთება.
page-why = რატომ
page-links = კავშირები
page-database = მონაცემთა ბაზა
page-up = წესრიგშია
page-down = მიუწვდომელია
page-tally = ამ სიაში
page-no-script = ეს გვერდი გადაწყვეტილებებს მიღებისთანავე აჩვენებს და ამისთვის JavaScript სჭირდება.

problem-not_found = ვერ მოიძებნა
problem-method_not_allowed = აქ მხოლოდ კითხვაა შესაძლებელი
problem-bad_request = მოთხოვნა გაუგებარია
problem-host_not_local = მოთხოვნა მხოლოდ ამ კომპიუტერიდანაა შესაძლებელი
problem-too_many_streams = ზედმეტად ბევრი პირდაპირი ნაკადია გახსნილი
problem-records_unavailable = ჩანაწერების წაკითხვა ახლა შეუძლებელია
