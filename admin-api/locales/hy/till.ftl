# Կտրոններ և գանձապահի հերթափոխի հաշվետվություններ։

receipt-title = Կտրոն { $number }
receipt-takes-back = Վերադարձ, կտրոն { $number }
receipt-by = { $operator }, հերթափոխ { $session }
receipt-total = Ընդամենը
receipt-tax = այդ թվում ԱԱՀ { $rate } %
receipt-rounding = Կլորացում

pay-cash = Կանխիկ
pay-card = Քարտ
pay-wallet = Դրամապանակ

sold-top-up = Լիցքավորում
sold-from-until = { $from } – { $until }
sold-from = { $from }-ից
sold-refund = Վճարվել է դրամապանակից
sold-deposit = Թևնոցի գրավ
sold-deposit-back = Վերադարձված գրավ

session-x = X հաշվետվություն, { $till }, հերթափոխ { $session }
session-z = Z հաշվետվություն, { $till }, հերթափոխ { $session }
session-opened = Բացվել է
session-operator = Գանձապահ
session-receipts = Կտրոններ
session-voids = որից՝ չեղարկված
session-sold = Վաճառվել է
session-returned = Հետ է վերցվել
session-discounts = Զեղչեր
session-goods = Ապրանքներ և ծառայություններ
session-passes = Աբոնեմենտներ
session-top-ups = Լիցքավորումներ
session-deposits = Գրավներ
session-paid-out = Վճարվել է
session-deposits-back = Վերադարձված գրավներ
session-prepaid = Կանխավճար
session-debts = Մարված պարտքեր
session-total = Ընդամենը վճարված
session-float = Սկզբնական կանխիկ
session-cash-in = Կանխիկի մուտք
session-cash-out = Կանխիկի ելք
session-expected = Պետք է լինի դրամարկղում
session-counted = Հաշվված է
session-difference = Տարբերություն

# Դրամապանակի շարժը։
statement-wallet = Դրամապանակում
statement-owed = Պարտք
statement-before = Մինչ այդ
statement-family = Ընտանիքի դրամապանակ
statement-reversed = հետ շրջված
entry-entry = Մուտք
entry-surcharge = Հավելավճար
entry-overstay = Լրացուցիչ ժամանակ
entry-locker = Պահարան ժամկետից երկար
entry-sale = Վաճառք
entry-top-up = Լիցքավորում
entry-refund = Վճարվել է դրամապանակից
entry-settlement = Պարտքը վճարվել է դրամապանակից
entry-payment = Պարտքը վճարվել է
entry-write-off = Պարտքը ներվել է
entry-opening = Տեղափոխված մնացորդ
entry-recognition = Վաստակված
entry-return = Ապրանքը վերադարձվել է
entry-cancellation = Աբոնեմենտը չեղարկվել է
entry-cash-move = Կանխիկի շարժ
entry-cash-count = Դրամարկղը հաշվված է
entry-forfeit = Գրավը պահվեց
entry-reversal = Հակադարձ գրանցում
