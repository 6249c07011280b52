# Receipts and the reports of a cashier's session.

receipt-title = Receipt { $number }
receipt-takes-back = Takes back of { $number }
receipt-by = { $operator }, session { $session }
receipt-total = Total
receipt-tax = of it VAT { $rate } %
receipt-rounding = Rounding

pay-cash = Cash
pay-card = Card
pay-wallet = Wallet

sold-top-up = Top-up
sold-refund = Paid out of the wallet
sold-deposit = Deposit for a band
sold-deposit-back = Deposit given back

session-x = X report, { $till }, session { $session }
session-z = Z report, { $till }, session { $session }
session-opened = Opened
session-operator = Cashier
session-receipts = Receipts
session-voids = of them voids
session-sold = Sold
session-returned = Taken back
session-discounts = Discounts
session-float = Float
session-cash-in = Cash put in
session-cash-out = Cash taken out
session-expected = Cash that should be there
session-counted = Cash counted
session-difference = Difference
