"""How mail sounds that wants nothing: notices, offers, thanks, wishes, automatic answers."""

from __future__ import annotations

from collections.abc import Mapping

# Name of the pattern -> weight, pattern. A pattern counts once, however often it occurs.
BROADCASTS: Mapping[str, tuple[float, str]] = {
    "calendar": (
        6,
        (
            r"^» (?:accepted|declined|tentative(?:ly accepted)?|zugesagt|abgesagt|angenommen|abgelehnt|accepté|"
            r"refusé|aceptad[oa]|rechazad[oa]|accettato|aceite|geaccepteerd|принято|承諾|已接受)\s*[:：]"
        ),
    ),
    "never mind": (
        2.5,
        (
            r"\b(?:no worries|never ?mind|no problem at all|found (?:it|them)|forget (?:it|about it)|don't worry|"
            r"false alarm|my mistake|turned out to be)\b"
        ),
    ),
    "welcome": (
        2.5,
        (
            r"\b(?:bienvenue|bienvenid[oa]s?|benvenut[oaie]|bem-vind[oa]s?|welkom (?:bij|op)|witamy|добро "
            r"пожаловать|buon fine|ci vediamo|nos vemos|on se voit|gutgeschrieben|recap|cheaper|price drop|"
            r"supporters like you|thank(?:s| you) to everyone|from all of us)\b"
        ),
    ),
    "security": (
        6,
        (
            r"\b(?:new (?:login|log-in|sign-in|device)|verification code|one-time (?:code|password|pin)|never "
            r"share|not you\?|was(?:n't| not) you\?|expires in \d+ (?:minutes|hours))"
        ),
    ),
    "machine reports": (
        3,
        (
            r"\b(?:deploy\w*|build|backup|job|pipeline|import|migration|upgrade|"
            r"maintenance)\b.{0,40}\b(?:finished|completed?|succeeded|passed|done)\b|\b(?:ticket|issue|request|"
            r"case|task|thread)\b.{0,12}\b(?:has been|was|is now) (?:closed|resolved|solved|merged)\b"
        ),
    ),
    "survey": (
        6,
        (
            r"\b(?:\d-minute survey|(?:take|complete|fill out) (?:our|the|this) (?:short |quick |brief |"
            r"\d-minute )?survey|rate (?:your|us|our)|win an? |chance to win|leave "
            r"(?:us )?a review)"
        ),
    ),
    "keep in touch": (
        2.5,
        (
            r"\b(?:(?:stay|keep)(?:ing)? in touch|(?:speak|talk|see you) soon|(?:great|nice|good|lovely|pleasure|"
            r"wonderful) (?:meeting|seeing|talking|speaking|to (?:meet|see|hear|talk)))\b"
        ),
    ),
    "cancelled": (
        4,
        (
            r"^» cancell?ed\s*[:：]|\b(?:event|meeting|call|session) (?:has been|was|is) cancell?ed\b|\bwurde "
            r"abgesagt\b|\ba été annulée?\b|\bha sido cancelad[oa]\b"
        ),
    ),
    "published": (
        2.5,
        (
            r"\b(?:was|were|has been|have been) (?:published|released)\b|\b(?:full )?changelog\b|\bhighlights:|"
            r"附件(?:是|为)|供.{0,4}参考|je pakket|is bezorgd|potwierdzamy|do zobaczenia|(?:wurde|is|est|è stat[oa]) "
            r"(?:bezahlt|zugestellt|bezorgd|déposée?|consegnat[oa])"
        ),
    ),
    "machine": (
        6,
        (
            r"\b(?:thank(?:s| you) for (?:contacting|writing to|getting in touch|reaching out)|your (?:message|"
            r"request|e?-?mail|enquiry|inquiry) has (?:reached|been received)|(?:someone|we|our team|one of us) "
            r"will (?:get back|reply|respond|be in touch)|opt[- ]out|no-?reply|not monitored|unmonitored|all "
            r"rights reserved|privacy policy|terms (?:apply|and conditions)|view (?:this|it|in)|sign up here|"
            r"leave (?:the|this) list|forwarded (?:this|it) to you|edit alert|email settings|why (?:am i|did i)|"
            r"update (?:your )?preferences|manage (?:your )?(?:preferences|subscription|notifications|emails?)|"
            r"you(?:['’]re| are) (?:receiving|subscribed)|sent automatically|this is an automat\w+|automated "
            r"(?:message|email)|sent to you because|message automatique|mensaje automático|mensagem automática|"
            r"messaggio automatico|automatisch (?:verzonden|versendet|erstellt)|wiadomość (?:została "
            r")?wygenerowana|送信専用|自動(?:配信|送信)|系统自动|自动发送)"
        ),
    ),
    "no answer": (
        3,
        (
            r"\b(?:no (?:action|reply|response|answer|need|comments?|further|reaction|rush to reply)(?: "
            r"\w+){0,3}(?:needed|required|necessary|to|expected)?|nothing (?:more|else|further)?(?: is| was)? "
            r"?(?:needed|required|to do|for you to do)|nobody has to|you (?:do not|don['’]t|need not|needn['’]t) "
            r"(?:need|have)?|for (?:your )?(?:files|records|information|reference|info)|fyi|just (?:so you know|"
            r"to let you know|a heads[- ]up|sharing)|heads[- ]up|zur (?:info\w*|kenntnis)|keine (?:antwort|"
            r"rückmeldung|aktion)|pour (?:info\w*|votre information)|para (?:tu|su) información|ter info\w*|per "
            r"(?:tua |vostra )?(?:info\w*|conoscenza)|do wiadomości|к сведению|ご参考|供参考)"
        ),
    ),
    "your thing is": (
        3,
        (
            r"\b(?:order|booking|reservation|registration|payment|appointment|subscription)\b.{0,20} "
            r"confirm(?:ed|ation)\b|\bwe(?:'ve| have) (?:got|received) your (?:order|payment|application|"
            r"registration|message|request)|\bwe(?:'ll| will) (?:e?-?mail you|let you know|notify you|be in "
            r"touch) (?:when|once|as soon as)|\b(?:your|the) (?:[\w-]+ ){0,4}(?:is|are|was|were|has been|have "
            r"been) (?:now )?(?:ready|available|confirmed|complete[d]?|received|delivered|shipped|dispatched|"
            r"approved|processed|booked|scheduled|updated|activated|published|active|back (?:to normal|online|"
            r"up)|all set|on (?:its|the) way|resolved|closed|finished)\b"
        ),
    ),
    "thanks for": (
        3,
        (
            r"\b(?:thank you|thanks) for (?:your (?:order|purchase|payment|business|booking|subscription|"
            r"registration|donation|application|visit|stay)|riding|shopping|choosing|joining|signing|registering|"
            r"subscribing|flying|staying|travelling|being|coming|attending|everything|all|the (?:quick|fast|"
            r"great|lovely|swift))"
        ),
    ),
    "offer": (
        3,
        (
            r"\b(?:\d+ ?% (?:off|rabatt|de descuento|di sconto|de réduction|korting)|free (?:shipping|trial|"
            r"delivery)|(?:1|one|\d+) months? free|for free|limited time|last chance|don['’]t miss|(?:black|"
            r"cyber) (?:friday|monday)|(?:new|autumn|summer|winter|spring) (?:collection|arrivals)|flash sale|"
            r"sale\b|use code|promo|deal|voucher|exclusive|upgrade (?:now|today|to)|try (?:premium|pro|it free)|"
            r"gratis\w*|spedizione gratuita|envío gratis|livraison (?:offerte|gratuite)|kostenlos\w*|скидк\w+|"
            r"distribut\w+ free|sponsored)"
        ),
    ),
    "news": (
        2.5,
        (
            r"\b(?:in this (?:issue|edition|episode|week)|this (?:week|month)['’]?s? (?:in|news|top|best|issue|"
            r"picks|highlights)|(?:weekly|monthly|daily) (?:\w+ )?(?:digest|roundup|round-up|update|news|brief)|"
            r"podcast|episode \d+|(?:read|see|discover|find out|learn|explore|check out) (?:more|the (?:whole|"
            r"full)|our|it|all(?! (?:my|our|his|her|the))|who['’]?s|what['’]?s new)|on our blog|new (?:in|on|at) "
            r"(?:the|our)|what['’]s new|top (?:stories|picks)|we (?:are|['’]re) (?:growing|proud|excited|"
            r"thrilled|happy) (?:to)?|announc(?:e|es|ing|ement)\b|now live|has (?:launched|arrived)|(?:is|are) "
            r"out(?: now)?[:!.]|listen (?:on|now|to)|wherever you get|cette semaine sur|bonne lecture|diese "
            r"woche|esta semana en|issue (?:no\.? ?|#)\d+|#\d+ (?:–|-|:))"
        ),
    ),
    "social": (
        3,
        (
            r"\b(?:commented on|liked|followed|follows you|mentioned you|tagged you|endorsed|viewed your|shared "
            r"(?:a|your|an)|reacted to|invited you to connect|new (?:follower|connection|friend request)s?|"
            r"(?:earned|unlocked)|you've got \d+|\d+ (?:new )?points|rewards?\b|badge|streak|you have \d+ new|"
            r"people (?:viewed|are (?:viewing|looking)|you may know)|celebrat\w+|keep (?:it up|going))\b"
        ),
    ),
    "money is in": (
        3,
        (
            r"\b(?:amount (?:paid|charged)|payment (?:received|successful|confirmed|complete)|paid (?:with|by|"
            r"on)|(?:we|has been) (?:charged|refunded|credited)|card (?:ending|charged)|(?:your|payment|sales) "
            r"receipt|receipt (?:for|from|no|number)|total (?:paid|charged)|transaction (?:id|complete)|hemos "
            r"recibido|nous avons (?:bien )?reçu|abbiamo ricevuto|recebemos|wir haben [^.]{0,40}erhalten|zahlung "
            r"(?:eingegangen|erhalten)|(?:está|ha sido|est|è|wurde|ist|is|są|jest|zostało) (?:confirm|bestätig|"
            r"conferm|bevestig|potwierdz)\w+|pago (?:recibido|confirmado)|paiement (?:reçu|accepté))"
        ),
    ),
    "away": (
        5,
        (
            r"\b(?:out of (?:the )?office|on (?:annual |parental |sick |maternity )?leave|on vacation|on holiday|"
            r"away from (?:my|the) (?:desk|office)|(?:i am|i'm|i'll be|will be|be) back (?:in the office |at "
            r"work )?(?:on|from|by)|limited access to (?:e-?mail|my)|currently (?:away|travelling|out)|im urlaub|"
            r"abwesend|in urlaub|en congé|(?:suis|serai|est|sera) absente?|de vacaciones|fuera de la oficina|in "
            r"ferie|fuori (?:sede|ufficio)|de férias|ausente|met (?:vakantie|verlof)|na urlopie|в отпуске|休暇|出差|"
            r"休假)\b"
        ),
    ),
    "well done": (
        2.5,
        (
            r"\b(?:(?:^|[.!,;] ?)(?:it |that |all |everything |this )?(?:all )?looks? (?:great|good|fine|"
            r"perfect)|(?:works?|working|runs?|running) (?:now|again|perfectly|like a charm|great)|all (?:good|"
            r"set|fine|sorted|done|clear)|did the trick|solved|sorted|resolved|got (?:it|them)|well done|great "
            r"(?:job|work|news)|nice (?:job|work)|congrat\w+|proud of|what a (?:lovely|great|wonderful|nice|"
            r"beautiful)|had a (?:great|lovely|wonderful|good|fantastic)|(?:good|great|lovely) to (?:see|meet|"
            r"hear)|enjoyed|see you (?:there|then|on|at|soon)|(?:have|enjoy) (?:a|your) (?:\w+ )?(?:weekend|"
            r"evening|day|holiday|trip|vacation)|back to normal|it['’]s filed|passed|succeeded|phew|yay|hooray|"
            r"hurray|woohoo|(?:is|are|'s) (?:\w+ )?(?:dry|up|online|running|working|open|back|normal|fixed|fine) "
            r"again)\b"
        ),
    ),
    "wishes": (
        3,
        (
            r"\b(?:happy (?:birthday|new year|easter|holidays|anniversary|thanksgiving)|merry christmas|"
            r"season['’]s greetings|best wishes (?:for|to|on)|wish(?:es)? you|get well|greetings from|welcome "
            r"(?:to|aboard|on board)|herzlich\w* (?:willkommen|glückwunsch)|frohe|alles gute|bonne année|joyeux|"
            r"vous souhaite|feliz|felices|enhorabuena|parabéns|buon (?:natale|anno|compleanno)|auguri|"
            r"gefeliciteerd|prettige|wesołych|wszystkiego najlepszego|с (?:днём|днем|новым)|поздравля\w+|おめでとう|"
            r"祝(?:您|你|大家)|恭喜|we look forward to (?:welcoming|seeing))"
        ),
    ),
    "success": (
        2.5,
        (
            r"\b(?:successfully|erfolgreich|avec succès|con éxito|com sucesso|con successo|pomyślnie|успешно|you "
            r"(?:have|'ve) (?:been )?(?:unsubscribed|subscribed|registered|added|enrolled|checked in))\b"
        ),
    ),
    "notice": (
        2.5,
        (
            r"\b(?:(?:will be|is|are|stays?|remains?|bleibt|bleiben) (?:\w+ ){0,4}(?:closed|geschlossen|"
            r"unchanged|repainted)|(?:opening|office) hours|maintenance (?:finished|done|complete\w*|window)|is "
            r"(?:done|finished|complete)|(?:has|have) (?:accepted|declined|joined|moved into|been (?:completed|"
            r"added|published|booked))|fermé\w*|cerrad[oa]\w*|chius[oaie]\b|fechad[oa]|gesloten|ahead of "
            r"schedule|thank you for your patience|was born|(?:spot|seat|place|ticket|table) (?:\S+ )*?is "
            r"(?:saved|reserved|secured)|voraussichtlich|closed (?:on|for|today|until)|minutes of)"
        ),
    ),
}
