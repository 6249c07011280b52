# Страница администратора, только для чтения, и заголовки ошибок.

page-title = Kari – администратор
page-skip = Перейти к решениям
page-language = Язык
page-rules = Действующие правила
page-rules-since = с { "{time}" }
page-rules-none = Правила не действуют: вход закрыт, выход открыт
page-refused = Последнее изменение правил отклонено
page-refused-hint = Действуют прежние правила. Исправьте файл и сохраните его.
page-connecting = Соединение
page-live = На связи
page-lost = Связь потеряна, пробуем снова
page-paused = Приостановлено
page-pause = Пауза
page-resume = Продолжить
page-feed = Решения у турникетов
page-feed-hint = Последние сверху. Эта страница ничего не меняет.
page-empty = Решений пока нет. Приложите карту к турникету.
page-gap = Здесь пропущено несколько решений, они загружаются.
page-why = Почему
page-links = Соединения
page-database = База данных
page-up = в порядке
page-down = недоступно
page-tally = В этом списке
page-no-script = Эта страница показывает решения по мере их принятия, для этого нужен JavaScript.

problem-not_found = Не найдено
problem-method_not_allowed = Здесь можно только читать
problem-bad_request = Запрос непонятен
problem-host_not_local = Спрашивать может только этот компьютер
problem-too_many_streams = Открыто слишком много живых лент
problem-records_unavailable = Записи сейчас нельзя прочитать
