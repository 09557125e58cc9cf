"""The words of the hosted page, in German and English."""

from collections.abc import Mapping

from app.sandbox.json_types import Json

_ENGLISH = {
    "language": "en",
    "amount_due": "Amount due",
    "authenticate_heading": "Confirm this payment",
    "authenticate_lead": "Your bank asks whether it is really you. This is the sandbox's stand-in"
    " for 3-D Secure.",
    "authorise": "Authorise payment",
    "back": "Back to {merchant}",
    "card": "Pay by card",
    "card_expiry": "Expiry date",
    "card_name": "Name on card",
    "card_number": "Card number",
    "closed": "This page is closed",
    "closed_lead": "The payment was already carried out or the session has ended.",
    "continue": "Continue to {merchant}",
    "cvc": "Security code",
    "details": "Details",
    "email": "E-mail",
    "expired": "This payment page has expired",
    "expired_lead": "Nothing was charged. Go back and start again.",
    "expiry_hint": "MM / YY",
    "fail": "Fail authentication",
    "fill": "Choosing one fills the form.",
    "merchant": "Merchant",
    "paid": "You have already paid",
    "paid_lead": "The payment went through. Nothing more will be charged.",
    "pay": "Pay {amount}",
    "paying": "Paying …",
    "paid_amount": "Amount paid",
    "paid_at": "Paid on",
    "receipt": "Receipt",
    "refunded": "Refunded",
    "card_used": "Card",
    "quantity": "Qty {count}",
    "resume": "Return to the payment",
    "test_cards": "Test cards",
    "test_mode": "Test mode",
    "test_mode_lead": "No real money moves.",
    "title": "Pay {merchant}",
    "total": "Total",
    "unknown": "There is no such payment page",
    "unknown_lead": "The link may be incomplete.",
    "card_success": "Payment succeeds",
    "card_3ds": "3-D Secure, once",
    "card_3ds_always": "3-D Secure, always",
    "card_declined": "Declined",
    "card_funds": "Not enough money",
    "card_lost": "Lost",
    "card_stolen": "Stolen",
    "card_expired": "Expired",
    "card_cvc": "Wrong security code",
    "invalid_number": "Your card number is invalid.",
    "invalid_expiry": "Your card's expiration date is incomplete.",
    "past_expiry": "Your card's expiration date is in the past.",
    "invalid_cvc": "Your card's security code is incomplete.",
    "missing_name": "Enter the name on the card.",
    "invalid_email": "Enter an e-mail address such as name@example.com.",
    "generic_decline": "Your card was declined. Try another card.",
    "insufficient_funds": "Your card has insufficient funds. Try another card.",
    "expired_card": "Your card has expired. Try another card.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_failed": "We are unable to authenticate your payment method. Choose a different"
    " payment method and try again.",
    "test_mode_live_card": "Your card was declined. This page is in test mode, but you used a card"
    " that is not a test card.",
}

_GERMAN = {
    "language": "de",
    "amount_due": "Zu zahlen",
    "authenticate_heading": "Diese Zahlung bestätigen",
    "authenticate_lead": "Ihre Bank fragt, ob Sie es wirklich sind. Dies ist die Nachbildung von"
    " 3-D Secure in der Testumgebung.",
    "authorise": "Zahlung freigeben",
    "back": "Zurück zu {merchant}",
    "card": "Mit Karte bezahlen",
    "card_expiry": "Ablaufdatum",
    "card_name": "Name auf der Karte",
    "card_number": "Kartennummer",
    "closed": "Diese Seite ist geschlossen",
    "closed_lead": "Die Zahlung wurde bereits ausgeführt oder die Sitzung ist beendet.",
    "continue": "Weiter zu {merchant}",
    "cvc": "Prüfziffer",
    "details": "Einzelheiten",
    "email": "E-Mail",
    "expired": "Diese Zahlungsseite ist abgelaufen",
    "expired_lead": "Es wurde nichts abgebucht. Gehen Sie zurück und beginnen Sie neu.",
    "expiry_hint": "MM / JJ",
    "fail": "Freigabe ablehnen",
    "fill": "Eine Auswahl füllt das Formular.",
    "merchant": "Händler",
    "paid": "Sie haben bereits bezahlt",
    "paid_lead": "Die Zahlung war erfolgreich. Es wird nichts weiter abgebucht.",
    "pay": "{amount} bezahlen",
    "paying": "Zahlung läuft …",
    "paid_amount": "Bezahlt",
    "paid_at": "Bezahlt am",
    "receipt": "Beleg",
    "refunded": "Erstattet",
    "card_used": "Karte",
    "quantity": "Menge {count}",
    "resume": "Zurück zur Zahlung",
    "test_cards": "Testkarten",
    "test_mode": "Testmodus",
    "test_mode_lead": "Es fließt kein echtes Geld.",
    "title": "Zahlung an {merchant}",
    "total": "Summe",
    "unknown": "Diese Zahlungsseite gibt es nicht",
    "unknown_lead": "Vielleicht ist der Link unvollständig.",
    "card_success": "Zahlung gelingt",
    "card_3ds": "3-D Secure, einmal",
    "card_3ds_always": "3-D Secure, immer",
    "card_declined": "Abgelehnt",
    "card_funds": "Keine Deckung",
    "card_lost": "Verloren",
    "card_stolen": "Gestohlen",
    "card_expired": "Abgelaufen",
    "card_cvc": "Prüfziffer falsch",
    "invalid_number": "Ihre Kartennummer ist ungültig.",
    "invalid_expiry": "Das Ablaufdatum Ihrer Karte ist unvollständig.",
    "past_expiry": "Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit.",
    "invalid_cvc": "Die Prüfziffer Ihrer Karte ist unvollständig.",
    "missing_name": "Geben Sie den Namen auf der Karte ein.",
    "invalid_email": "Geben Sie eine E-Mail-Adresse wie name@example.com ein.",
    "generic_decline": "Ihre Karte wurde abgelehnt. Versuchen Sie eine andere Karte.",
    "insufficient_funds": "Ihre Karte ist nicht ausreichend gedeckt. Versuchen Sie eine andere"
    " Karte.",
    "expired_card": "Ihre Karte ist abgelaufen. Versuchen Sie eine andere Karte.",
    "incorrect_cvc": "Die Prüfziffer Ihrer Karte ist falsch.",
    "incorrect_number": "Ihre Kartennummer ist falsch.",
    "processing_error": "Bei der Verarbeitung Ihrer Karte ist ein Fehler aufgetreten. Versuchen Sie"
    " es gleich noch einmal.",
    "authentication_failed": "Wir konnten Ihre Karte nicht authentifizieren. Wählen Sie eine andere"
    " Zahlungsmethode und versuchen Sie es erneut.",
    "test_mode_live_card": "Ihre Karte wurde abgelehnt. Diese Seite ist im Testmodus, aber die"
    " Karte ist keine Testkarte.",
}


def words(session: Json | None, accept_language: str) -> Mapping[str, str]:
    """Return the page's words: the session's locale decides, else the browser's."""
    locale = (session or {}).get("locale") or "auto"
    if locale == "auto":
        locale = accept_language
    return _GERMAN if locale.lower().startswith("de") else _ENGLISH


def problem(words_of_page: Mapping[str, str], reason: str) -> str:
    """Return what to say about a decline; reasons that must not be told sound generic."""
    return words_of_page.get(reason, words_of_page["generic_decline"])
