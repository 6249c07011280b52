# Слова и предложения, общие для страниц и командной строки.

outcome-grant = разрешено
outcome-grant_with_warning = с оговоркой
outcome-hold = задержка
outcome-deny = отказ
outcome-ignore = без действия
outcome-release = открыто

direction-entry = вход
direction-exit = выход
direction-locker_open = шкафчик: открыть
direction-locker_close = шкафчик: закрыть
direction-sale = продажа
direction-topup = пополнение
direction-refund = возврат
direction-operator = оператор

condition-PASSAGE_MADE = Проход состоялся
condition-PASSAGE_NOT_MADE = Проход не состоялся; всё временное отменено
condition-PASSAGE_UNEXPECTED = Проход без разрешения
condition-TAMPER = Вскрыт корпус устройства
condition-BATTERY_LOW = Садится батарея устройства
condition-POWER_LOST = Устройство потеряло питание
condition-DEVICE_ONLINE = Устройство на связи
condition-DEVICE_OFFLINE = Связь с устройством потеряна
condition-EMERGENCY_STARTED = Чрезвычайная ситуация: все турникеты открыты
condition-EMERGENCY_INPUT_CLEARED = Сигнал тревоги снят; турникеты открыты, пока сброс не подтвердят два оператора
condition-EMERGENCY_RESET = Чрезвычайную ситуацию сняли два оператора
condition-MESSAGE_REFUSED = Сообщение устройства не удалось прочитать
condition-BAND_COLLECTED = Браслет принят в приёмник
condition-AUDIT_GAP = Записей не хватает, либо журнал нарушен или недоступен для записи
condition-RULES_DEGRADED = Файл правил отклонён; действуют последние исправные правила
condition-CLOCK_STEP = Часы сдвинулись больше допустимого
condition-COMMAND_FAILED = Команда устройству не выполнена; возможно, ничего не открылось
condition-LOCK_FAULT = Замок неисправен
condition-CONCURRENT_USE = Одну карту или браслет прочли сразу два считывателя; возможно, это копия
condition-HELD_OPEN = Дверь или турникет слишком долго остаются открытыми
condition-FORCED_OPEN = Дверь или турникет открыты силой

missing-egress_alternative = рядом с турникетом нет свободного запасного выхода
missing-desk_or_pay_point = ни один администратор не вошёл в систему и ни одна касса не на связи
missing-calm_exit = чрезвычайная ситуация, неисправный турникет или толпа у выхода
missing-time_left = время задержки исчерпано
missing-identity_time_left = время задержки исчерпано
missing-may_be_held = этого гостя задерживать нельзя
missing-entry_on_record = вход не записан
missing-desk = за стойкой никого нет
missing-known_child = неизвестно, что это ребёнок
missing-identity_in_doubt = браслет или карта известны

state-active = активен
state-grace = в льготном сроке
state-past_due = не оплачен
state-frozen = заморожен
state-suspended = приостановлен
state-cancelled = отменён
state-expired = истёк
state-depleted = исчерпан
state-unknown = неизвестно
state-lost = утеряно
state-stolen = украдено
state-blocked = заблокировано
state-returned = возвращено
state-free = свободный
state-controlled = контролируемый
state-locked = закрыт
state-out_of_service = не работает

class-grant = разрешает
class-charge = начисляет плату
class-warn = предупреждает
class-hold = задерживает
class-deny = отказывает
class-ignore = оставляет без действия
class-release = открывает

span-days = { $n } д
span-hours = { $n } ч
span-minutes = { $n } мин
span-seconds = { $n } с

yes = да
no = нет
none = нет
who-member = Гость { $id }
who-card = Карта { $uid }
who-nobody = Неизвестно кто
also = Также: { $sentence }
not-held = Не задержано: { $why }
value-set = { $parameter } = { $value }, задано: { $scope }
value-default = { $parameter } = { $value }, по умолчанию
scope-site = объект
scope-zone = зона { $name }
scope-device = устройство { $name }
scope-terminal = терминал { $name }
scope-tariff = тариф { $name }
scope-group = группа { $name }
scope-member = этот гость
scope-role = роль { $name }
origin-rule = правило { $file }:{ $line }
origin-floor = встроено

order-granted = Операция выполнена
command-heading = Что стало с командой
opens-heading = Что откроет проход
opens-nothing = Ни у прохода, ни на стойке ничего: { $reasons }
opens-wait = Подойти снова: { $until }
opens-enter-pin = Ввести PIN-код карты
opens-return-band = Опустить браслет в приёмник
opens-free-lockers = Освободить и открыть шкафчик { $lockers }
opens-bring-adults = { $adults ->
    [one] Прийти со взрослым из той же группы
    [few] Прийти ещё с { $adults } взрослыми из той же группы
   *[other] Прийти ещё с { $adults } взрослыми из той же группы
}
opens-fetch-guardian = Здесь прикладывает карту тот, кому разрешено забрать ребёнка
opens-show-document = Показать документ: { $age } лет или старше
opens-load-at-most = Пополнить не больше чем на { $amount }
opens-pay-otherwise = Оплатить { $amount } наличными или картой
opens-pay = Погасить { $amount } долга
opens-top-up = Пополнить на { $amount }
opens-buy-pass = Купить ещё один абонемент того же тарифа
opens-check-photo = Персонал: сверить лицо с фотографией
opens-record-certificate = Персонал: принять действующую медицинскую справку
opens-release-locker = Персонал: разблокировать шкафчик { $locker }
opens-pick-up-cash = Персонал: изъять наличные из кассы
opens-other-operator = Персонал: это делает сотрудник с ролью { $roles }
opens-second-person = Подтверждает второй сотрудник с ролью { $roles }
opens-lift = Персонал: снять { $reason } (роль { $roles })
opens-lift-two = Два сотрудника: снять { $reason } (роль { $roles })
opens-check-identity = Персонал: проверить личность и выпустить

audit-decision = Решение
audit-at = На какой момент
audit-received = Получено
audit-gate = Турникет
audit-who = Кто
audit-outcome = Итог
audit-rule-set = Набор правил
audit-no-rule-set = ни один не действует
audit-facts-version = Версия фактов
audit-reasons = Причины
audit-values = Использованные значения
audit-facts = Факты
audit-no-facts = не собраны: запрос завершился раньше
