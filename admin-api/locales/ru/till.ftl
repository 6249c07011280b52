# Чеки и отчёты смены кассира.

receipt-title = Чек { $number }
receipt-takes-back = Возврат по чеку { $number }
receipt-by = { $operator }, смена { $session }
receipt-total = Итого
receipt-tax = в том числе НДС { $rate } %
receipt-rounding = Округление

pay-cash = Наличные
pay-card = Карта
pay-wallet = Кошелёк

sold-top-up = Пополнение
sold-from-until = { $from } – { $until }
sold-from = с { $from }
sold-refund = Выдано из кошелька
sold-deposit = Залог за браслет
sold-deposit-back = Возврат залога

session-x = X-отчёт, { $till }, смена { $session }
session-z = Z-отчёт, { $till }, смена { $session }
session-opened = Открыта
session-operator = Кассир
session-receipts = Чеки
session-voids = из них отмены
session-sold = Продано
session-returned = Возвращено
session-discounts = Скидки
session-goods = Товары и услуги
session-passes = Абонементы
session-top-ups = Пополнения
session-deposits = Залоги
session-paid-out = Выплачено
session-deposits-back = Залоги возвращены
session-prepaid = Предоплата
session-debts = Оплата долгов
session-total = Всего оплачено
session-float = Размен
session-cash-in = Внесено наличных
session-cash-out = Изъято наличных
session-expected = Должно быть в кассе
session-counted = Посчитано
session-difference = Разница

# Движение по кошельку.
statement-wallet = В кошельке
statement-owed = Долг
statement-before = До этого
statement-family = Кошелёк семьи
statement-reversed = сторнировано
entry-entry = Вход
entry-surcharge = Доплата
entry-overstay = Дополнительное время
entry-locker = Шкафчик дольше срока
entry-sale = Продажа
entry-top-up = Пополнение
entry-refund = Выдано из кошелька
entry-settlement = Долг оплачен из кошелька
entry-payment = Долг оплачен
entry-write-off = Долг списан
entry-opening = Перенесённый остаток
entry-recognition = Заработано
entry-return = Товар возвращён
entry-cancellation = Абонемент отменён
entry-cash-move = Движение наличных
entry-cash-count = Касса пересчитана
entry-forfeit = Залог удержан
entry-reversal = Сторно
