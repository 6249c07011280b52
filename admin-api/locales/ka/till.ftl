# ჩეკები და მოლარის ცვლის ანგარიშები.

receipt-title = ჩეკი { $number }
receipt-takes-back = უკან დაბრუნება, ჩეკი { $number }
receipt-by = { $operator }, ცვლა { $session }
receipt-total = სულ
receipt-tax = მათ შორის დღგ { $rate } %
receipt-rounding = დამრგვალება

pay-cash = ნაღდი
pay-card = ბარათი
pay-wallet = საფულე

sold-top-up = შევსება
sold-from-until = { $from } – { $until }
sold-from = { $from }-დან
sold-refund = გაცემულია საფულიდან
sold-deposit = სამაჯურის დეპოზიტი
sold-deposit-back = დაბრუნებული დეპოზიტი

session-x = X ანგარიში, { $till }, ცვლა { $session }
session-z = Z ანგარიში, { $till }, ცვლა { $session }
session-opened = გაიხსნა
session-operator = მოლარე
session-receipts = ჩეკები
session-voids = აქედან გაუქმება
session-sold = გაყიდულია
session-returned = უკან დაბრუნებულია
session-discounts = ფასდაკლებები
session-goods = საქონელი და მომსახურება
session-passes = აბონემენტები
session-top-ups = შევსებები
session-deposits = დეპოზიტები
session-paid-out = გაცემული
session-deposits-back = დაბრუნებული დეპოზიტები
session-prepaid = წინასწარ გადახდილი
session-debts = დაფარული ვალები
session-total = სულ გადახდილი
session-float = საწყისი ნაღდი
session-cash-in = ნაღდის შეტანა
session-cash-out = ნაღდის გატანა
session-expected = უნდა იყოს სალაროში
session-counted = დათვლილია
session-difference = სხვაობა

# საფულის მოძრაობა.
statement-wallet = საფულეშია
statement-owed = დავალიანება
statement-before = მანამდე
statement-family = ოჯახის საფულე
statement-reversed = გაუქმებულია
entry-entry = შესვლა
entry-surcharge = დამატებითი გადასახდელი
entry-overstay = დამატებითი დრო
entry-locker = კარადა დიდხანს
entry-sale = გაყიდვა
entry-top-up = შევსება
entry-refund = გაცემულია საფულიდან
entry-settlement = დავალიანება გადახდილია საფულიდან
entry-payment = დავალიანება გადახდილია
entry-write-off = დავალიანება ჩამოწერილია
entry-opening = გადმოტანილი ნაშთი
entry-recognition = გამომუშავებულია
entry-return = საქონელი დაბრუნდა
entry-cancellation = აბონემენტი გაუქმდა
entry-cash-move = ნაღდის მოძრაობა
entry-cash-count = სალარო დათვლილია
entry-forfeit = დეპოზიტი დარჩა
entry-reversal = უკუგატარება
