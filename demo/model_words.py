"""Words of many languages that speak for a problem, a request, or nothing to do; no sample is known here."""

from __future__ import annotations

from collections.abc import Mapping

# Per concept: weight -> stems. Latin, Cyrillic and Arabic stems match at the beginning of a word, those of
# languages written without spaces anywhere. A stem with spaces is a phrase.
EVIDENCE: Mapping[str, Mapping[float, str]] = {
    "problem": {
        4: "traceback|stack trace|stacktrace|segfault|core dump|steps to reproduce|null pointer|"
        "schritte zum nachstellen|"
        "pour reproduire|étapes pour|pasos para reproducir|passi per riprodurre|как повторить|шаги|再現手順|"
        "خطوات|崩溃|強制終了|異常終了|クラッシュ",
        3: "crash|exception|error|bug|freez|hangs|hang up|broken|regression|does not work|"
        "doesn't work|not working|"
        "stopped working|no longer work|white screen|blank page|corrupt|"
        "fehler|absturz|abgestürzt|stürzt|kaputt|funktioniert nicht|geht nicht mehr|"
        "hängt sich|funktioniert bei uns nicht|"
        "erreur|plante|plantage|ne fonctionne p|ne marche p|bogue|en panne|"
        "fallo|se cierra|se bloquea|no funciona|se cuelga|"
        "errore|si blocca|non funziona|si chiude|"
        "erro |erro:|não funciona|trava|werkt niet|fout|foutmelding|nie działa|błąd|awari|"
        "ошибк|сбо[йя]|вылета|зависа|не работа|не открыва|"
        "خطأ|تعطل|لا يعمل|エラー|不具合|動かな|動作しな|開けな|障害|例外|错误|无法|오류",
        2: "fails|failed|failure|timeout|timed out|wrong|unable to|cannot|can't|won't|instead of|"
        "expected|since the update|"
        "since version|after the update|stops|stuck|missing data|twice|"
        "fehlgeschlagen|falsch|fehlermeldung|kann nicht|lässt sich nicht|seit dem update|"
        "erwartet|endlosschleife|"
        "échoue|impossible de|n'arrive p|depuis la mise à jour|faux|inattendu|débité|"
        "no puedo|desde la actualización|incorrect|impossibile|sbagliat|non riesco|"
        "não consigo|lukt niet|nie mogę|"
        "не могу|неправильн|после обновления|改善しま|発生し|できませ|できない",
    },
    "request": {
        3: "invoice|payment is due|is due|deadline|feature request|would it be possible|"
        "need you to|we need|i need|"
        "purchase order|action required|sign the|approve|rsvp|"
        "rechnung|zahlung|überweisen|frist|angebot|könnten sie|können sie|bitte um|unterlagen|"
        "facture|devis|échéance|pourriez-vous|pouvez-vous|merci de|veuillez|"
        "factura|presupuesto|podría|podrían|plazo|necesitamos|fattura|preventivo|potrebb|potrest|scadenza|"
        "fatura|orçamento|prazo|poderia|factuur|offerte|kunt u|zou u|faktur|proszę|prosimy|"
        "счёт|счет на|прошу|не могли бы|срок|предложени|"
        "فاتورة|نرجو|يرجى|الرجاء|هل يمكنكم|طلب|請求書|見積|お送り|いただけ|期限|してください|发票|报价|请您",
        2: "please|could you|can you|would you|could we|can we|kindly|due by|meeting|schedule|"
        "appointment|kick-off|invite|"
        "confirm|let me know|send me|would be great|would be nice|would love|we would like|"
        "favour|favor to|is there|do you have|reminder|"
        "questionnaire|asap|as soon as|"
        "bitte|termin|besprechung|können wir|könnten wir|ist es möglich|möglich|wann|"
        "graag|vergader|spotkani|"
        "s'il vous plaît|svp|réunion|rendez-vous|est-il possible|serait-il|"
        "por favor|reunión|cita|es posible|per favore|riunione|è possibile|appuntamento|"
        "пожалуйста|встреч|можно ли|когда|من فضلك|اجتماع|موعد|お願い|打ち合わせ|会議|までに|会议|请",
        1: "question|before friday|by (?:mon|tues|wednes|thurs|fri|satur|sun)day|by (?:tomorrow|"
        "noon|the end)|"
        "bis (?:zum|ende|montag|freitag|donnerstag)|avant le|d'ici|antes del|entro|"
        "до (?:пятницы|понедельника)|質問",
    },
    "quiet": {
        5: "unsubscribe|out of office|out of the office|automatic reply|auto-reply|autoreply|"
        "you receive this|"
        "you are receiving this|you received this|mailing list|do not reply|no reply is needed|"
        "abbestellen|abmelden|automatische antwort|nicht im büro|abwesenheit|nicht im hause|"
        "se désabonner|désabonner|désinscri|réponse automatique|absent du bureau|absente du bureau|"
        "darse de baja|cancelar la suscripción|respuesta automática|fuera de la oficina|"
        "disiscriv|cancellati|risposta automatica|fuori ufficio|cancelar inscrição|"
        "uitschrijven|wypisz się|afwezig|"
        "отписаться|автоматический ответ|автоответ|рассылк|"
        "إلغاء الاشتراك|رد تلقائي|خارج المكتب|配信停止|自動返信|自動応答|メールマガジン|退订|自动回复|수신거부",
        3: "newsletter|view in browser|no action|for your information|fyi|automatic message|"
        "automated message|"
        "was delivered|has been delivered|has shipped|has been renewed|receipt for|"
        "password reset|verification code|weekly digest|announce|all systems|"
        "keine aktion|zur information|zugestellt|im browser ansehen|"
        "lettre d'information|pour information|boletín|para tu información|a titolo informativo|"
        "для информации|доставлен|不在にして|للعلم|お知らせのみ",
        2: "released|sponsor|% off|special offer|sale ends|webinar|subscriber|"
        "have a nice weekend|have a great|"
        "that did it|works now|all good|solved|got it|congratulations|congrats|"
        "schönes wochenende|erledigt|hat geklappt|"
        "bon week-end|buen fin de semana|buon fine settimana|всё получилось|все получилось|хороших выходных",
    },
    "asks": {
        3: "could you|can you|would you|could we|can we|please reply|please confirm|please send|"
        "please tell|please let|"
        "let me know|would it be possible|do you have|send me|könnten sie|können sie|könnten wir|können wir|"
        "bitte senden|bitte schicken|bitte schalten|bitte teilen|ist es möglich|pourriez-vous|"
        "pouvez-vous|merci de|"
        "est-il possible|podría|es posible|potrebb|potrest|è possibile|не могли бы|прошу|можно ли|пришлите|"
        "هل يمكنكم|نرجو|يرجى|お送り|いただけ|教えて|请您|请告",
        1: "please|bitte|s'il vous|por favor|per favore|пожалуйста|من فضلك|ください",
    },
    "money": {3: "invoice|payment|receipt|rechnung|zahlung|überweisen|facture|factura|fattura|счёт|فاتورة|請求書|发票"},
    "meeting": {
        3: "meeting|appointment|kick-off|calendar|video call|termin|besprechung|réunion|rendez-vous|reunión|"
        "riunione|встреч|اجتماع|打ち合わせ|会議|会议"
    },
    "feature": {
        3: "feature request|would be great|would be nice|would love|could you add|suggest|wunsch|idee|"
        "suggestion|sugerencia|funktion wünsch|хотелось бы|機能追加|ご要望"
    },
    "urgent": {
        3: "urgent|asap|critical|immediately|emergency|outage|data loss|security|"
        "production is down|all users|blocker|"
        "dringend|sofort|kritisch|ausfall|alle arbeitsplätze|datenverlust|critique|immédiatement|"
        "urgente|crítico|срочно|критич|немедленно|عاجل|至急|緊急|紧急",
        2: "crash|deadline|today|every|blocks|cannot work|since this morning|heute|bloqu|"
        "aujourd'hui|hoy|сегодня|本日|今日中",
    },
    "minor": {
        3: "typo|cosmetic|nice to have|low priority|no hurry|no rush|whenever|minor|some day|tippfehler|"
        "keine eile|kosmetisch|faute de frappe|pas urgent|errata|sin prisa|опечатк|не срочно|急ぎません|誤字",
        2: "would be nice|slightly|schön wäre|petit|pequeñ|небольш",
    },
}
