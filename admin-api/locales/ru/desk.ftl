# Что читает администратор: факты, а не последствия; решение стоит рядом с предложением.
# Само сообщение обходится без подстановок; атрибуты полнее, самый полный первый.

desk-DUPLICATE_READ = Прочитано повторно слишком скоро
    .limit = Прочитано повторно в пределах { $limit }
desk-EVENT_STALE = Запрос опоздал
    .limit = Запрос старше допустимого ({ $limit })
desk-EMERGENCY_RELEASE = Чрезвычайная ситуация: выход открыт
desk-EMERGENCY_ENTRY_CLOSED = Чрезвычайная ситуация: вход закрыт
desk-GRANTED_FREE_MODE = Турникет в свободном режиме; записано без проверок
desk-GATE_LOCKED = Турникет закрыт или не работает
    .state = Режим турникета: { $state }
desk-DEVICE_OFFLINE = Считыватель, контроллер или касса не на связи
    .since = Считыватель, контроллер или касса не на связи с { $since }
desk-POLICY_UNAVAILABLE = Правила не отвечают; помогите гостю у турникета
desk-CREDENTIAL_UNKNOWN = Неизвестная карта или браслет
desk-CREDENTIAL_LOST_STOLEN = Карта или браслет объявлены утерянными или украденными
    .state = Карта или браслет, состояние: { $state }
desk-CREDENTIAL_NOT_VALID_NOW = Карта или браслет сейчас не действуют
    .state = Карта или браслет сейчас не действуют, состояние: { $state }
desk-CREDENTIAL_LOCKED_OUT = Слишком много неудачных попыток
    .until = Слишком много неудачных попыток, блокировка до { $until }
desk-CREDENTIAL_NOT_RETURNED = Браслет не сдан; его нужно опустить в приёмник
desk-AUTH_FACTOR_FAILED = Проверка ПИН-кода или фото не пройдена
desk-DURESS = Тихая тревога
desk-MEMBERSHIP_IN_GRACE = Абонемент истёк, идёт льготный срок
    .until = Абонемент истёк, льготный срок до { $until }
desk-VISITS_LOW = Осталось мало посещений
    .left = { $left ->
        [0] Последнее посещение на абонементе
        [one] Осталось { $left } посещение
        [few] Осталось { $left } посещения
       *[other] Осталось { $left } посещений
    }
desk-MEDICAL_CERTIFICATE_EXPIRING = Медицинская справка скоро истекает
    .days = { $days ->
        [0] Медицинская справка истекает сегодня
        [one] Медицинская справка истекает через { $days } день
        [few] Медицинская справка истекает через { $days } дня
       *[other] Медицинская справка истекает через { $days } дней
    }
desk-MEMBER_BLOCKED = Гость заблокирован
desk-MEMBERSHIP_NOT_ACTIVE = Абонемент не активен
    .state-since = Абонемент: { $state }, с { $since }
    .state = Абонемент: { $state }
desk-VISITS_EXHAUSTED = Посещений не осталось
desk-VISIT_LIMIT_REACHED = Посещения за период использованы
    .limit-until = { $limit ->
        [one] За период использовано { $limit } посещение, следующее с { $until }
        [few] За период использовано { $limit } посещения, следующее с { $until }
       *[other] За период использовано { $limit } посещений, следующее с { $until }
    }
    .limit = { $limit ->
        [one] За период использовано { $limit } посещение
        [few] За период использовано { $limit } посещения
       *[other] За период использовано { $limit } посещений
    }
desk-MEDICAL_CERTIFICATE_INVALID = Медицинской справки нет, или она истекла
    .days = { $days ->
        [one] Медицинская справка истекла { $days } день назад
        [few] Медицинская справка истекла { $days } дня назад
       *[other] Медицинская справка истекла { $days } дней назад
    }
desk-NO_ACCESS_RIGHTS = Ни один абонемент не действует в этой зоне
    .zone = Ни один абонемент не действует в зоне «{ $zone }»
desk-SITE_CLOSED = Объект закрыт
    .opens_at = Объект закрыт, откроется { $opens_at }
desk-OUTSIDE_TARIFF_WINDOW = Вне часов абонемента
    .opens_at = Вне часов абонемента, следующий вход с { $opens_at }
desk-REENTRY_NOT_ALLOWED = Билет на один вход уже использован
    .since = Билет на один вход уже использован, гость снаружи с { $since }
desk-EXIT_RECORD_CORRECTED = Входа в записях нет; присутствие исправлено
desk-ANTI_PASSBACK_SOFT = Уже внутри; разрешено и записано
    .zone-since = Уже внутри («{ $zone }») с { $since }; разрешено и записано
    .since = Уже внутри с { $since }; разрешено и записано
    .zone = Уже внутри («{ $zone }»); разрешено и записано
desk-ANTI_PASSBACK = Уже внутри
    .zone-since = Уже внутри («{ $zone }») с { $since }
    .since = Уже внутри с { $since }
    .zone = Уже внутри («{ $zone }»)
desk-PASSAGE_PENDING = По этой карте или браслету уже проходят
desk-ZONE_FULL = Зона заполнена
    .zone-people-limit = Зона «{ $zone }» заполнена ({ $people } из { $limit })
    .people-limit = Зона заполнена ({ $people } из { $limit })
    .zone = Зона «{ $zone }» заполнена
desk-AGE_BELOW_MINIMUM = Возраст меньше допустимого
    .age-limit = Возраст: { $age ->
        [one] { $age } год
        [few] { $age } года
       *[other] { $age } лет
    }, вход с { $limit ->
        [one] { $limit } года
       *[other] { $limit } лет
    }
    .limit = Возраст меньше допустимого: вход с { $limit ->
        [one] { $limit } года
       *[other] { $limit } лет
    }
desk-SUPERVISION_REQUIRED = Ребёнку нужен сопровождающий взрослый, или на одного взрослого слишком много детей
    .children-adults-limit = { $children ->
        [one] { $children } ребёнок
        [few] { $children } ребёнка
       *[other] { $children } детей
    }, { $adults ->
        [one] { $adults } взрослый
       *[other] { $adults } взрослых
    }; на одного взрослого не больше { $limit }
    .age = { $age ->
        [one] Ребёнку { $age } год, нужен сопровождающий взрослый
        [few] Ребёнку { $age } года, нужен сопровождающий взрослый
       *[other] Ребёнку { $age } лет, нужен сопровождающий взрослый
    }
desk-PICKUP_NOT_AUTHORISED = Ребёнка может забрать только уполномоченный взрослый
    .age = { $age ->
        [one] Ребёнку { $age } год, забрать его может только уполномоченный взрослый
        [few] Ребёнку { $age } года, забрать его может только уполномоченный взрослый
       *[other] Ребёнку { $age } лет, забрать его может только уполномоченный взрослый
    }
desk-GUEST_LIMIT_REACHED = Гостевых посещений не осталось
    .limit = { $limit ->
        [0] Абонемент не предусматривает гостевых посещений
        [one] За период использовано { $limit } гостевое посещение
        [few] За период использовано { $limit } гостевых посещения
       *[other] За период использовано { $limit } гостевых посещений
    }
desk-OVERSTAY_WARNING = Время пребывания больше оплаченного
    .overstay-until = Время пребывания на { $overstay } больше оплаченного (до { $until })
    .overstay = Время пребывания на { $overstay } больше оплаченного
desk-OVERSTAY_CHARGED = Доплата за дополнительное время
    .amount-overstay-units = { $units ->
        [one] Доплата { $amount } за { $units } единицу, { $overstay } сверх оплаченного
        [few] Доплата { $amount } за { $units } единицы, { $overstay } сверх оплаченного
       *[other] Доплата { $amount } за { $units } единиц, { $overstay } сверх оплаченного
    }
    .amount-units = { $units ->
        [one] Доплата { $amount } за { $units } единицу
        [few] Доплата { $amount } за { $units } единицы
       *[other] Доплата { $amount } за { $units } единиц
    }
    .amount-overstay = Доплата { $amount }, { $overstay } сверх оплаченного
    .amount = Доплата { $amount }
desk-DEBT_WARNING = На счёте долг
    .amount-since = Долг { $amount } с { $since }
    .amount = Долг { $amount }
desk-DEBT_ENTRY_BLOCKED = На счёте просроченный долг
    .amount-since = Просроченный долг { $amount } с { $since }
    .amount = Просроченный долг { $amount }
desk-DEBT_EXIT_HOLD = Нужно погасить долг у администратора или в кассе
    .amount-until = Нужно погасить { $amount } у администратора или в кассе; задержка до { $until }
    .amount = Нужно погасить { $amount } у администратора или в кассе
desk-DEBT_EXIT_RELEASED = Время задержки вышло, за гостем остался долг
    .amount = Время задержки вышло, за гостем остался долг { $amount }
desk-WALLET_LIMIT_EXCEEDED = В кошельке не хватает денег
    .available-needed = Доступно { $available }, нужно { $needed }
    .needed = В кошельке не хватает денег, нужно { $needed }
desk-WALLET_MAX_EXCEEDED = В кошельке оказалось бы больше допустимого
    .max_acceptable = Можно внести не больше { $max_acceptable }
desk-DAILY_SPEND_LIMIT = Сверх дневного лимита
    .limit-remaining = Дневной лимит { $limit }, осталось { $remaining }
    .remaining = Дневной лимит, осталось { $remaining }
desk-DISCOUNT_NEEDS_APPROVAL = Скидка больше вашего лимита
    .percent-limit-line = Строка { $line }: скидка { $percent } % больше вашего лимита { $limit } %
    .percent-limit = Скидка { $percent } % больше вашего лимита { $limit } %
desk-REFUND_NEEDS_APPROVAL = Возврат больше вашего лимита
    .amount-limit = Возврат { $amount } больше вашего лимита { $limit }
    .amount = Возврат { $amount } больше вашего лимита
desk-AGE_RESTRICTED_ITEM = Покупатель младше возраста, установленного законом
    .category-limit-line = { $limit ->
        [one] Строка { $line }: покупатель младше { $limit } года, категория товара «{ $category }»
       *[other] Строка { $line }: покупатель младше { $limit } лет, категория товара «{ $category }»
    }
    .category-limit = { $limit ->
        [one] Покупатель младше { $limit } года, категория товара «{ $category }»
       *[other] Покупатель младше { $limit } лет, категория товара «{ $category }»
    }
    .limit = { $limit ->
        [one] Покупатель младше { $limit } года
       *[other] Покупатель младше { $limit } лет
    }
desk-CASH_DRAWER_LIMIT = В кассе слишком много наличных; сначала изымите деньги
    .amount-limit = В кассе { $amount } при лимите { $limit }; сначала изымите деньги
desk-LOCKER_OCCUPIED_AT_EXIT = Шкафчик ещё заперт
    .locker = Шкафчик { $locker } ещё заперт
desk-LOCKER_LIMIT_REACHED = Больше шкафчиков здесь занять нельзя
    .lockers-limit = { $lockers ->
        [one] Здесь уже занят { $lockers } шкафчик, можно не больше { $limit }
        [few] Здесь уже занято { $lockers } шкафчика, можно не больше { $limit }
       *[other] Здесь уже занято { $lockers } шкафчиков, можно не больше { $limit }
    }
desk-LOCKER_NOT_YOURS = Шкафчик закреплён за другой картой или браслетом
    .locker = Шкафчик { $locker } закреплён за другой картой или браслетом
desk-LOCKER_TIME_EXCEEDED = Время шкафчика истекло
    .locker-since = Время шкафчика { $locker } истекло { $since }
    .locker = Время шкафчика { $locker } истекло
desk-GRANTED_OVERRIDE = Разрешено оператором, см. запись о вмешательстве
    .operator = Разрешил оператор { $operator }, см. запись о вмешательстве
desk-OPERATOR_NOT_PERMITTED = Ваша роль этого не позволяет
    .action = Ваша роль этого не позволяет: { $action }
desk-TERMINAL_NOT_PERMITTED = На этом терминале нельзя
    .action = На этом терминале нельзя: { $action }
desk-OVERRIDE_NOT_ALLOWED = Вы не можете снять этот запрет
    .code = Вы не можете снять этот запрет: { $code }
desk-SECOND_OPERATOR_REQUIRED = Нужно подтверждение второго сотрудника
    .action = Нужно подтверждение второго сотрудника: { $action }
desk-GRANTED = Проход разрешён
