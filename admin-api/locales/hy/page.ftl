# Ընդունարանի՝ միայն կարդալու էջը և սխալների վերնագրերը։

page-title = Kari – ընդունարան
page-skip = Անցնել որոշումներին
page-language = Լեզու
page-rules = Գործող կանոններ
page-rules-since = { "{time}" }-ից
page-rules-none = Ոչ մի կանոն չի գործում․ մուտքը փակ է, ելքը՝ բաց
page-refused = Կանոնների վերջին փոփոխությունը մերժվել է
page-refused-hint = Ուժի մեջ են մնում նախկին կանոնները։ Ուղղեք ֆայլը և պահպանեք։
page-connecting = Միանում է
page-live = Կապի մեջ է
page-lost = Կապը կորել է, փորձում ենք կրկին
page-paused = Դադարեցված է
page-pause = Դադար
page-resume = Շարունակել
page-feed = Որոշումներն անցակետերում
page-feed-hint = Ամենանորն առաջինն է։ Այս էջը ոչինչ չի փոխում։
page-empty = Որոշում դեռ չկա։ Քարտը մոտեցրեք անցակետին։
page-gap = Այստեղ մի քանի որոշում բաց է թողնվել և բեռնվում է։
page-why = Ինչու
page-links = Կապեր
page-database = Տվյալների բազա
page-up = կարգին է
page-down = հասանելի չէ
page-tally = Այս ցանկում
page-no-script = Այս էջը ցույց է տալիս որոշումները ընդունվելուն պես, և դրա համար պետք է JavaScript։

problem-not_found = Չի գտնվել
problem-method_not_allowed = Այստեղ հնարավոր է միայն կարդալ
problem-bad_request = Հարցումն անհասկանալի է
problem-host_not_local = Հարցնել կարող է միայն այս համակարգիչը
problem-too_many_streams = Չափազանց շատ ուղիղ հոսքեր են բացված
problem-records_unavailable = Գրառումներն այժմ հնարավոր չէ կարդալ
