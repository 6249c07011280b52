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
sold-from-until = { $from } to { $until }
sold-from = from { $from }
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
session-goods = Goods and services
session-passes = Passes
session-top-ups = Top-ups
session-deposits = Deposits
session-paid-out = Paid out
session-deposits-back = Deposits returned
session-prepaid = Prepaid
session-debts = Debts paid
session-total = Paid in all
session-float = Float
session-cash-in = Cash put in
session-cash-out = Cash taken out
session-expected = Cash that should be there
session-counted = Cash counted
session-difference = Difference

# What moved a wallet.
statement-wallet = In the wallet
statement-owed = Owed
statement-before = Before
statement-family = The family's wallet
statement-reversed = reversed
entry-entry = Entry
entry-surcharge = Surcharge
entry-overstay = Longer stay
entry-locker = Locker kept longer
entry-sale = Sale
entry-top-up = Top-up
entry-refund = Paid out of the wallet
entry-settlement = Debt paid from the wallet
entry-payment = Debt paid
entry-write-off = Debt waived
entry-opening = Brought over
entry-recognition = Earned
entry-return = Goods returned
entry-cancellation = Pass cancelled
entry-cash-move = Cash moved
entry-cash-count = Drawer counted
entry-forfeit = Deposit kept
entry-reversal = Reversal
