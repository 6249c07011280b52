# Что читает гость на экране турникета: без суммы долга, без сведений о здоровье, без упрёка.
# Само сообщение обходится без подстановок; атрибут полнее и берётся, когда все подстановки известны.

-go-through = Проходите, пожалуйста.
-come-to-desk = Подойдите, пожалуйста, к администратору.
-see-desk = Когда будет удобно, загляните к администратору.
-one-moment = Одну минуту, пожалуйста.

guest-DUPLICATE_READ = Уже прочитано, одну секунду.
guest-EVENT_STALE = Приложите карту или браслет ещё раз, пожалуйста.
guest-EMERGENCY_RELEASE = Чрезвычайная ситуация: выход открыт. Пожалуйста, спокойно покиньте здание.
guest-EMERGENCY_ENTRY_CLOSED = Чрезвычайная ситуация: пожалуйста, не входите.
guest-GRANTED_FREE_MODE = { -go-through }
guest-GATE_LOCKED = { $gate ->
    [open] { -go-through }
   *[closed] Этот турникет закрыт. Пожалуйста, воспользуйтесь другим.
}
guest-DEVICE_OFFLINE = { $gate ->
    [open] { -go-through }
   *[closed] Сейчас не получается проверить. { -come-to-desk }
}
guest-POLICY_UNAVAILABLE = { $gate ->
    [open] { -go-through }
   *[closed] Подождите, пожалуйста: сотрудник сейчас вам поможет.
}
guest-CREDENTIAL_UNKNOWN = { $gate ->
    [open] { -go-through }
   *[closed] Эта карта или браслет нам не известны. { -come-to-desk }
}
guest-CREDENTIAL_LOST_STOLEN = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-CREDENTIAL_NOT_VALID_NOW = { $gate ->
    [open] { -go-through }
   *[closed] Эта карта или браслет сейчас не действуют. { -come-to-desk }
}
guest-CREDENTIAL_LOCKED_OUT = { $gate ->
    [open] { -go-through }
   *[closed] Было слишком много попыток. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] Было слишком много попыток. Попробуйте снова после { $until }, пожалуйста.
    }
guest-CREDENTIAL_NOT_RETURNED = { $gate ->
    [open] { -go-through } Браслет оставьте у администратора.
   *[closed] Опустите, пожалуйста, браслет в приёмник турникета.
}
guest-AUTH_FACTOR_FAILED = { $gate ->
    [open] { -go-through }
   *[closed] Проверка не удалась. Попробуйте ещё раз или подойдите, пожалуйста, к администратору.
}
# Тихая тревога: тот, кто стоит рядом с гостем, должен прочесть то же, что и всегда.
guest-DURESS = { $gate ->
    [open] { guest-GRANTED }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_IN_GRACE = Срок вашего абонемента истёк. Пожалуйста, продлите его у администратора.
    .until = Срок вашего абонемента истёк; входить ещё можно до { $until }.
guest-VISITS_LOW = { -go-through } На абонементе осталось мало посещений.
    .left = { -go-through } { $left ->
        [0] Это последнее посещение на абонементе.
        [one] На абонементе осталось { $left } посещение.
        [few] На абонементе осталось { $left } посещения.
       *[other] На абонементе осталось { $left } посещений.
    }
guest-MEDICAL_CERTIFICATE_EXPIRING = { -go-through } { -see-desk }
guest-MEMBER_BLOCKED = { $gate ->
    [open] { -go-through }
   *[closed] { -come-to-desk }
}
guest-MEMBERSHIP_NOT_ACTIVE = { $gate ->
    [open] { -go-through }
   *[closed] Ваш абонемент не активен. { -come-to-desk }
}
guest-VISITS_EXHAUSTED = { $gate ->
    [open] { -go-through }
   *[closed] На абонементе не осталось посещений. { -come-to-desk }
}
guest-VISIT_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] Посещения за этот период использованы. { -come-to-desk }
}
    .until = { $gate ->
        [open] { -go-through }
       *[closed] Посещения за этот период использованы. Следующее возможно с { $until }.
    }
guest-MEDICAL_CERTIFICATE_INVALID = { $gate ->
    [open] { -go-through } { -see-desk }
   *[closed] { -come-to-desk }
}
guest-NO_ACCESS_RIGHTS = { $gate ->
    [open] { -go-through }
   *[closed] Ваш абонемент не действует в этой зоне. { -come-to-desk }
}
guest-SITE_CLOSED = { $gate ->
    [open] { -go-through }
   *[closed] Сейчас мы закрыты.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] Сейчас мы закрыты. Откроемся: { $opens_at }.
    }
guest-OUTSIDE_TARIFF_WINDOW = { $gate ->
    [open] { -go-through }
   *[closed] Ваш абонемент в это время не действует.
}
    .opens_at = { $gate ->
        [open] { -go-through }
       *[closed] По вашему абонементу можно войти с { $opens_at }.
    }
guest-REENTRY_NOT_ALLOWED = { $gate ->
    [open] { -go-through }
   *[closed] Этот билет на один вход уже использован. { -come-to-desk }
}
guest-EXIT_RECORD_CORRECTED = До свидания!
guest-ANTI_PASSBACK_SOFT = { -go-through }
guest-ANTI_PASSBACK = { $gate ->
    [open] { -go-through }
   *[closed] По этой карте или браслету уже вошли. { -come-to-desk }
}
guest-PASSAGE_PENDING = { $gate ->
    [open] { -go-through }
   *[closed] По этой карте или браслету уже проходят. Одну секунду, пожалуйста.
}
guest-ZONE_FULL = { $gate ->
    [open] { -go-through }
   *[closed] Внутри нет свободных мест. Подождите немного, пожалуйста.
}
guest-AGE_BELOW_MINIMUM = { $gate ->
    [open] { -go-through }
   *[closed] В этой зоне есть возрастное ограничение. { -come-to-desk }
}
    .limit = { $gate ->
        [open] { -go-through }
       *[closed] { $limit ->
            [one] В эту зону можно с { $limit } года. { -come-to-desk }
           *[other] В эту зону можно с { $limit } лет. { -come-to-desk }
        }
    }
guest-SUPERVISION_REQUIRED = { $gate ->
    [open] { -go-through }
   *[closed] Дети входят сюда со взрослым. Войдите вместе или подойдите, пожалуйста, к администратору.
}
guest-PICKUP_NOT_AUTHORISED = { $gate ->
    [open] { -go-through }
   *[closed] Подождите здесь, пожалуйста, взрослого, который вас заберёт. Сотрудник вам поможет.
}
guest-GUEST_LIMIT_REACHED = { $gate ->
    [open] { -go-through }
   *[closed] Гостевых посещений не осталось. { -come-to-desk }
}
guest-OVERSTAY_WARNING = { -go-through } Оплаченное время закончилось.
guest-OVERSTAY_CHARGED = { $gate ->
    [open] { -go-through } Дополнительное время учтено на вашем счёте.
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
   *[closed] Баланса не хватает на это посещение. Пожалуйста, пополните его у администратора.
}
guest-WALLET_MAX_EXCEEDED = Столько на балансе хранить нельзя. Пожалуйста, выберите сумму поменьше.
guest-DAILY_SPEND_LIMIT = { $gate ->
    [open] { -go-through }
   *[closed] Это сверх дневного лимита. Владелец счёта может повысить его у администратора.
}
guest-DISCOUNT_NEEDS_APPROVAL = Скидку нужно подтвердить. { -one-moment }
guest-REFUND_NEEDS_APPROVAL = Возврат нужно подтвердить. { -one-moment }
guest-AGE_RESTRICTED_ITEM = У этого товара возрастное ограничение. Покажите, пожалуйста, документ кассиру.
    .limit = { $limit ->
        [one] Этот товар продаётся с { $limit } года. Покажите, пожалуйста, документ кассиру.
       *[other] Этот товар продаётся с { $limit } лет. Покажите, пожалуйста, документ кассиру.
    }
guest-CASH_DRAWER_LIMIT = { $gate ->
    [open] Спасибо!
   *[closed] Эта касса сейчас не принимает наличные. { -one-moment }
}
guest-LOCKER_OCCUPIED_AT_EXIT = { $gate ->
    [open] { -go-through } Ваш шкафчик ещё заперт.
   *[closed] Ваш шкафчик ещё заперт. Пожалуйста, освободите его перед выходом.
}
    .locker = { $gate ->
        [open] { -go-through } Шкафчик { $locker } ещё заперт.
       *[closed] Шкафчик { $locker } ещё заперт. Пожалуйста, освободите его перед выходом.
    }
guest-LOCKER_LIMIT_REACHED = У вас здесь уже есть шкафчик. Пожалуйста, сначала освободите его.
    .lockers = { $lockers ->
        [one] У вас здесь уже { $lockers } шкафчик. Пожалуйста, сначала освободите его.
        [few] У вас здесь уже { $lockers } шкафчика. Пожалуйста, сначала освободите один.
       *[other] У вас здесь уже { $lockers } шкафчиков. Пожалуйста, сначала освободите один.
    }
guest-LOCKER_NOT_YOURS = Это шкафчик другого гостя. Проверьте номер или подойдите, пожалуйста, к администратору.
guest-LOCKER_TIME_EXCEEDED = { $gate ->
    [open] Время вашего шкафчика истекло. { -see-desk }
   *[closed] Время вашего шкафчика истекло. { -come-to-desk }
}
guest-GRANTED_OVERRIDE = Спасибо за ожидание. { -go-through }
guest-OPERATOR_NOT_PERMITTED = Вам поможет другой сотрудник. { -one-moment }
guest-TERMINAL_NOT_PERMITTED = На этом терминале это невозможно. { -come-to-desk }
guest-OVERRIDE_NOT_ALLOWED = Вам поможет другой сотрудник. { -one-moment }
guest-SECOND_OPERATOR_REQUIRED = Это должен подтвердить второй сотрудник. { -one-moment }
guest-GRANTED = { $direction ->
    [exit] До свидания!
    [locker] Шкафчик в вашем распоряжении.
    [till] Спасибо!
   *[entry] Добро пожаловать!
}
