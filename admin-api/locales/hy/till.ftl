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
session-float = Սկզբնական կանխիկ
session-cash-in = Կանխիկի մուտք
session-cash-out = Կանխիկի ելք
session-expected = Պետք է լինի դրամարկղում
session-counted = Հաշվված է
session-difference = Տարբերություն
