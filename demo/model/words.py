"""Words of many languages that speak for a problem, a request, or nothing to do; no sample is known here."""

from __future__ import annotations

from collections.abc import Mapping

# Per concept: weight -> stems. Latin, Cyrillic and Arabic stems match at the beginning of a word, those of
# languages written without spaces anywhere. A stem with spaces is a phrase.
EVIDENCE: Mapping[str, Mapping[float, str]] = {
    "problem": {
        4: (
            "traceback|stack trace|stacktrace|segfault|core dump|steps to reproduce|null pointer|"
            "schritte zum nachstellen|pour reproduire|étapes pour|pasos para reproducir|"
            "passi per riprodurre|как повторить|шаги|再現手順|خطوات|崩溃|強制終了|異常終了|クラッシュ"
        ),
        3: (
            "crash|exception|(?<!0 )(?<!no )error|bug|freez|hangs|hang up|broken|regression|"
            "does not work|doesn't work|not working|stopped working|no longer work|white screen|"
            "blank page|corrupt|fehler|absturz|abgestürzt|stürzt|kaputt|funktioniert nicht|"
            "geht nicht mehr|hängt sich|funktioniert bei uns nicht|erreur|plante|plantage|"
            r"ne fonctionne p|ne marche p|bogue|en panne|fallos?\b|se cierra|se bloquea|no funciona|"
            "se cuelga|errore|si blocca|non funziona|si chiude|erro |erro:|não funciona|trava|werkt niet|"
            "fout|foutmelding|nie działa|błąd|awari|ошибк|сбо[йя]|вылета|зависа|не работа|не открыва|خطأ|"
            "تعطل|لا يعمل|エラー|不具合|動かな|動作しな|開けな|障害|例外|错误|无法|오류|memory leak|"
            "leaks memory|disappear|"
            "vanish|cut off|overlap|garbled|locked out|data loss|duplicate|bad gateway|is down|went down|"
            "out of memory|oom|unresponsive|verschwind|unsichtbar|reagiert nicht|lädt nicht|öffnet nicht|"
            "erscheint nicht|disparaî|ne s'affiche|ne s'ouvre|ne se charge|ne répond|desaparec|no carga|"
            "no se abre|no aparece|no responde|scompar|non si apre|non carica|não abre|não carrega|sumiu|"
            "пропада|пропал|исчез|не загружа|не отобража|не появля|не запуска|перестал|表示されな|消え|"
            "固ま|文字化け|ログインできな|反映されな|届かな|無法|錯誤|閃退|闪退|打不开|打不開|失败|失敗|"
            "没有反应|작동하지|안 됩니다|لا يفتح|لا تعمل|مشكلة|يختفي|لا يظهر|لا أستطيع|nothing happens|"
            "does nothing|gets stuck|geht nicht|passiert nichts|klappt nicht|öffnet sich nicht|"
            "rien ne se passe|se superpos|"
            "no (?:me |se |nos )?(?:deja|abre|carga|guarda|muestra|devuelve|llega|encuentra|responde|permite)|"
            "non (?:mi |si |ci )?(?:risponde|funziona|apre|carica|salva|mostra|arriva|permette|succede)|"
            "反応しま|起こりませ|されませ|動きませ|出ませ|届きませ|開きませ|panic|bounces|"
            r"sig(?:segv|abrt|kill|bus)|signal \d+|exited with|core file|coredump|stack overflow|deadlock|"
            "race condition|blue screen|no cuadra|no coincide|distinto al|does not match|doesn't match|"
            "mismatch|doesn't add up|stimmt nicht|stimmen nicht|friert|ne correspond p|non corrisponde|"
            r"не совпада|一致しな|一致しません|undefined|\bnan\b|おかし|間違|ずれて|異常"
        ),
        2: (
            "fails|failed|failure|timeout|timed out|wrong|unable to|cannot|can't|won't|instead of|"
            "expected|since the update|since version|after the update|stops|stuck|missing data|twice|"
            "fehlgeschlagen|falsch|fehlermeldung|kann nicht|lässt sich nicht|seit dem update|erwartet|"
            "endlosschleife|échoue|impossible de|n'arrive p|depuis la mise à jour|faux|inattendu|débité|"
            "no puedo|desde la actualización|incorrect|impossibile|sbagliat|non riesco|não consigo|"
            "lukt niet|nie mogę|не могу|неправильн|после обновления|改善しま|発生し|できませ|できない|"
            "missing|no longer|used to|still shows|slow|invalid|keeps|doesn't|does not|didn't|lost|"
            "unexpected|even after|even though|since yesterday|since this morning|since last|"
            r"since the last|since daylight|outdated|out of date|fehlt|leere?\b|langsam|doppelt|zweimal|"
            r"nicht mehr|seit gestern|seit heute|manque|vides?\b|lente?\b|deux fois|invisible|depuis hier|"
            "depuis ce matin|falta|vací|lento|dos veces|desde ayer|duplicad|manca|vuot|due volte|da ieri|"
            "perco|perdi|desde ontem|дважды|медленно|пуст|со вчерашнего|遅い|二重|重複|落ち|不能|卡住|"
            "느려|بطيء|توقف|(?<!no )problem|blank|rather than|no effect|no response|no results|jumps|"
            r"kommt kein|wird nicht|werden nicht|kein ergebnis|ne \w+ (?:pas|plus)|n'\w+ (?:pas|plus)|"
            "aucun résultat|depuis la dernière|depuis lundi|desde el lunes|aunque|non succede|"
            r"не \w+(?:ется|ются|ает|ают|ит|ят)\b|белый экран|проблем|問題|问题|tried|trying to|reloads|"
            "habe versucht|hab versucht|j'ai essayé|he intentado|ho provato|пробовал|試しま|"
            r"remplacés? par|empty|should be impossible|comes up (?:blank|empty)|tauch\w+ wieder auf|"
            "obwohl|bien que|made no difference|didn't help|delayed|hours late|minutes late|same entries|"
            "repeats|differs|out of order|out of sync|happens (?:for|every|when|only|since)|unverändert|"
            "remains unchanged|upside down|on the wrong|zehnfach|reste bloqu"
        ),
    },
    "request": {
        3: (
            "payment is due|is due|deadline|feature request|would it be possible|need you to|"
            "we need|i need|purchase order|action required|sign the|approve|rsvp|zahlung|"
            "überweisen|frist|könnten sie|können sie|bitte um|unterlagen|échéance|"
            "pourriez-vous|pouvez-vous|merci de|veuillez|podría|podrían|plazo|"
            "necesitamos|potrebb|potrest|scadenza|prazo|poderia|"
            "kunt u|zou u|proszę|prosimy|счёт|счет на|прошу|не могли бы|срок|"
            "предложени|فاتورة|نرجو|يرجى|الرجاء|هل يمكنكم|طلب|請求書|見積|お送り|いただけ|期限|"
            "してください|请您|i would like|we would like|we'd like|i'd like|i ask you|"
            "requesting|gdpr|arrange|it'd be|would be lovely|would be helpful|"
            "would be useful|rückruf|brauchen|benötigen|ich möchte|wir möchten|möchten wir|kannst du|"
            "könnt ihr|würden sie|kündig|je souhaite|nous souhaitons|souhaiterai|j'aimerais|voudrais|"
            "voudrions|besoin de|impayé|régler|necesito|quisiera|quisiéramos|solicit|nos gustaría|"
            "pueden enviar|puede enviar|pueden ayudar|vorrei|vorremmo|bisogno|potete|richiesta|gostaria|"
            "preciso|precisamos|нужн|необходимо|хотели бы|хотел бы|подтвердите|пришлите|вышлите|"
            "свяжитесь|ご都合|いかがでしょうか|ご確認|ご返信|ご対応|ご検討|決めたい|送って|希望|"
            "需要|能否|麻烦|請|부탁|요청|주세요|가능할까요|أرجو|هل يمكن|نود|أود|نحتاج"
        ),
        2: (
            "please|could you|can you|would you|could we|can we|kindly|due by|kick-off|invite|"
            "confirm(?!a[dt]|ation|ed|é|a )|"
            "let me know|send me|would be great|would be nice|would love|favour|favor to|is there|"
            "do you have|questionnaire|asap|as soon as|bitte|können wir|könnten wir|ist es möglich|"
            "möglich|graag|s'il vous plaît|svp|est-il possible|serait-il|por favor|"
            "es posible|per favore|è possibile|пожалуйста|можно ли|من فضلك|"
            "お願い|までに|请|review|create an account|renew|"
            "has not been settled|unpaid|overdue|cancel my|delete my|call back|call me|let us know|"
            "get back to|fill in|fill out|wish|suggestion|idea|bittet|bitten|wunsch|"
            "vorschlag|verlänger|freigabe|confirmer|envoyez|rappel|confirmar|confermare|agendar|needs|"
            "needed|is required|expires|expire on|due date|fällig|begleichen|vencimiento|"
            "would be happy to|by the end of|urgently|hole bis|einholen|hilfreich|indiquer|"
            "thanks in advance|thank you in advance|danke im voraus|merci d'avance|gracias de antemano|"
            "grazie in anticipo|obtenir|hätten sie|one thing i miss|roadmap"
        ),
        1: (
            "question|before friday|by (?:mon|tues|wednes|thurs|fri|satur|sun)day|"
            "by (?:tomorrow|noon|the end)|bis (?:zum|ende|montag|freitag|donnerstag)|avant le|d'ici|"
            "antes del|entro|до (?:пятницы|понедельника)|質問|appointment|meeting|reminder|schedule|"
            r"termin|rendez-vous|réunion|reunión|riunione|besprechung|wann\b|когда"
        ),
    },
    # What is mostly written about to have it done: a request, unless something is wrong with it.
    "topic": {
        2: (
            "invoice|rechnung|angebot|facture|devis|factura|presupuesto|fattura|preventivo|fatura|orçamento|factuur|"
            "offerte|faktur|quote|pricing|refund|请问|发票|报价|"
            "vergader|spotkani|cita|appuntamento|встреч|اجتماع|موعد|打ち合わせ|会議|会议"
        ),
    },
    "quiet": {
        5: (
            "(?<!clicked )(?<!pressed )(?<!tried to )(?<!want to )(?<!hit )(?<!cannot )(?<!can't )unsubscribe|"
            "out of office|out of the office|automatic reply|auto-reply|autoreply|"
            "you receive this|you are receiving this|you received this|mailing list|do not reply|"
            "no reply is needed|abbestellen|abmelden|automatische antwort|nicht im büro|abwesenheit|"
            "nicht im hause|se désabonner|désabonner|désinscri|réponse automatique|absent du bureau|"
            "absente du bureau|darse de baja|cancelar la suscripción|respuesta automática|"
            "fuera de la oficina|disiscriv|cancellati|risposta automatica|fuori ufficio|"
            "cancelar inscrição|uitschrijven|wypisz się|afwezig|отписаться|автоматический ответ|"
            "автоответ|рассылк|إلغاء الاشتراك|رد تلقائي|خارج المكتب|配信停止|自動返信|自動応答|"
            "メールマガジン|退订|自动回复|수신거부|automatically generated|on vacation|on holiday until|"
            "on annual leave|automatisch erzeugt|automatisch generiert|antworten sie nicht|"
            "nicht auf diese|im urlaub|en vacances|en congé|de vacaciones|in ferie|в отпуске|休暇|"
            "ne pas répondre|no responda|non rispondere|не отвечайте|请勿回复|返信しないで|返信不要|"
            "safely disregard|safely ignore|can be ignored|ignore this (?:e?mail|message)"
        ),
        3: (
            "view in browser|no action|for your information|fyi|automatic message|"
            "automated message|was delivered|has been delivered|has shipped|has been renewed|receipt for|"
            "verification code|weekly digest|all systems|keine aktion|"
            "zur information|zugestellt|im browser ansehen|lettre d'information|pour information|boletín|"
            "para tu información|a titolo informativo|для информации|доставлен|不在にして|للعلم|"
            "お知らせのみ|amount paid|your receipt|receipt #|thanks for signing up|"
            "thank you for signing up|welcome to|succeeded|was successful|completed successfully|"
            "commented on|mentioned you|liked your|new sign-in|no need to|don't need to do|nothing to do|"
            "just so you know|is closed|versandt|geliefert|expédié|livré|ha sido enviado|"
            "ha sido entregado|spedito|consegnat|отправлен|shop now|see you then|sounds good|looks great|"
            "looks good|view online|offer ends|save big|bis dann|à bientôt|hasta luego|a presto|læst|"
            r"infolettre|promos?\b|rabatt|soldes|sconto|скидк|セール|キャンペーン|お知らせ|促销|"
            "received with thanks|we have received|payment received|notification settings|stop receiving|"
            "happy birthday|merry christmas|happy new year|season's greetings|release notes|"
            "weekly summary|monthly summary|you completed|nicht erreichbar|je suis absente?|alles gute|"
            "herzlichen glückwunsch|frohe|joyeux|joyeuse|feliz|buon compleanno|buone feste|buon natale|"
            "с днем|поздравля|おめでとう|生日快乐|on its way|tracking number|is out for delivery|"
            "backup completed|all checks passed|0 errors|no errors|rundbrief|nothing to report|"
            "no further|subscribing|has been confirmed|if this was you|if you did this|"
            r"your \w+(?: \w+)? (?:was|were) (?:changed|updated|delivered|renewed|shipped|confirmed|received)"
        ),
        2: (
            "newsletter|password reset|announce(?!d)|released|sponsor|% off|special offer|sale ends|webinar|subscriber|"
            "have a nice weekend|"
            "have a great|that did it|works now|all good|solved|got it|congratulations|congrats|"
            "schönes wochenende|erledigt|hat geklappt|bon week-end|buen fin de semana|"
            "buon fine settimana|всё получилось|все получилось|хороших выходных|perfect|great, thanks|"
            "jetzt läuft|läuft wieder|klappt|c'est parfait|perfecto|perfetto|отлично|is available|"
            "are available|now available|read more|learn more|new version|our blog|join us|register now|"
            "fonctionne maintenant|preferences|has been (?:updated|changed|received|processed)"
        ),
    },
    "asks": {
        3: (
            "could you|can you|would you|could we|can we|please reply|please confirm|please send|"
            "please tell|please let|let me know|would it be possible|do you have|send me|könnten sie|"
            "können sie|könnten wir|können wir|bitte senden|bitte schicken|bitte schalten|bitte teilen|"
            "ist es möglich|pourriez-vous|pouvez-vous|merci de|est-il possible|podría|es posible|potrebb|"
            "potrest|è possibile|не могли бы|прошу|можно ли|пришлите|هل يمكنكم|نرجو|يرجى|お送り|いただけ|"
            "教えて|请您|请告"
        ),
        1: ("please|bitte|s'il vous|por favor|per favore|пожалуйста|من فضلك|ください"),
    },
}
