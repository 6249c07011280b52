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
desk-POLICY_UNAVAILABLE = Правила не отвечают; помогите гостю у турникета
desk-CREDENTIAL_UNKNOWN = Неизвестная карта или браслет
desk-CREDENTIAL_LOST_STOLEN = Карта или браслет объявлены утерянными или украденными
    .state = Карта или браслет, состояние: { $state }
desk-CREDENTIAL_NOT_VALID_NOW = Карта или браслет сейчас не действуют
    .state = Карта или браслет сейчас не действуют, состояние: { $state }
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
desk-GRANTED = Проход разрешён
