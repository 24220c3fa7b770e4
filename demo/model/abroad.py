"""How people of other languages than English tell of trouble, ask for something, and give notice."""

from __future__ import annotations

from collections.abc import Mapping

# Language -> weight, pattern.
SYMPTOMS_ABROAD: Mapping[str, tuple[float, str]] = {
    "de": (
        2,
        (
            r"\b(?:(?:geht|gehen|lädt|laden|öffnet|öffnen|speichert|druckt|zeigt|erscheint|kommt|kommen|klappt|"
            r"reagiert|startet|funktioniert|findet|lässt|wird|werden|bin|kann|können|konnte|stimmt|stimmen|"
            r"passt)\b[^.?!]{0,50}\b(?:nicht|nichts|kein\w*|nie)\b|lande (?:ich )?wieder|tauch\w+ "
            r"[^.?!]{0,40}(?:wieder|nicht) auf|(?:nicht|nichts|kein\w*) [^.?!]{0,30}(?:kann|können|lässt|lassen)|"
            r"so (?:klein|langsam|groß), dass|springt|zurückgesetzt|weg\b|verloren|abgeschnitten|verschoben|"
            r"vertauscht|verdreht|hängt|hängen|eingefroren|friert|dauert (?:ewig|\w+ (?:minuten|stunden))|seit "
            r"(?:dem|der|gestern|heute|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|letzte\w*)|"
            r"statt(?:dessen)?|plötzlich|auf einmal|neuerdings|verdeckt|überdeckt|überlappt|während (?:die|der|"
            r"das|es)|dabei (?:ist|sind|war)|obwohl|was ist denn? nun? richtig|bleibt (?:weiß|leer|schwarz|"
            r"stehen|hängen)|immer (?:wieder|noch)|ständig|(?:eine?|zwei) stunden? (?:zu )?(?:früh|spät)|doppelt|"
            r"zweimal|(?:drei|vier|fünf|mehr)mal|dreimal|falsch\w*|leere?\b|fehlt|fehlen)"
        ),
    ),
    "fr": (
        2,
        (
            r"\b(?:(?:ne|n['’]) ?[^.?!]{1,30}\b(?:pas|plus|rien|jamais|aucun\w*)\b|à l['’]envers|réappara\w+|"
            r"revien\w+ (?:aussitôt|tout de suite)|en retard|décalage|d['’]un(?:e)? autre|au lieu de|alors que|"
            r"tandis que|soudain\w*|désormais|tout à coup|tourne (?:sans fin|en boucle)|se ferme|se fige|figé|"
            r"bloqu\w+|vides?\b|en double|(?:deux|trois|quatre|cinq|plusieurs|\d+) fois|depuis (?:hier|ce matin|"
            r"lundi|mardi|mercredi|jeudi|vendredi|la mise)|blanche?\b|erroné\w*|mauvais\w*|perdu\w*|décalé\w*|"
            r"disparu\w*|lent\w*|hier (?:encore )?(?:ça|cela|tout) marchait)"
        ),
    ),
    "es": (
        2,
        (
            r"\b(?:no (?:me |se |nos |le |lo )?(?:\w+(?:a|e|an|en|o))\b|(?:me|se|nos) (?:pierde|borra|cierra|"
            r"bloquea|queda|sale)\w*|me pasa en|ya no|media hora después|demasiado tarde|reapare\w+|vuelven? a|"
            r"por detrás|retraso|desfas\w+|también (?:de|con) otr[oa]s?|aparecen? (?:dos|tres|cuatro|doble|"
            r"otr[oa]s?)|en vez de|en lugar de|de repente|de pronto|mientras que|en blanco|desde (?:ayer|el "
            r"lunes|hoy|la|esta)|equivocad\w+|(?:dos|tres|cuatro|cinco|varias|muchas|\d+) veces|vací[oa]s?|"
            r"duplicad\w+|de otr[oa] (?:cliente|usuario|persona)|antes (?:sí )?(?:funcionaba|iba)|error\w*|mal\b)"
        ),
    ),
    "pt": (
        2,
        (
            r"\b(?:não (?:consigo|funciona|abre|carrega|aparece|chega|mostra|salva|grava|guarda|responde|dá|está|"
            r"atualiza)\w*|valores? (?:negativos?|errados?)|errad\w+|impossível|(?:estava|funcionava) (?:certo|"
            r"bem)|em branco|em vez de|desde (?:ontem|segunda|hoje|a)|(?:duas|três|quatro|cinco|várias|\d+) "
            r"vezes|vazi[oa]s?|duplicad\w+|de outr[oa] (?:cliente|usuário|utilizador)|trav\w+|fecha sozinh\w+|"
            r"some\b|sumi\w+)"
        ),
    ),
    "it": (
        2,
        (
            r"\b(?:non (?:mi |si |ci |ne |lo |la )?(?:\w+(?:a|e|ano|ono|o))\b|riappa\w+|ricompa\w+|in ritardo|"
            r"escono anche|anche (?:\w+ )?di altr[eiao]|di un altr[oa]|al posto di|all'improvviso|"
            r"improvvisamente|mentre|invece di|da (?:ieri|stamattina|lunedì|quando|tre|due)|sbagliat\w+|due "
            r"volte|vuot[oaie]\b|duplicat\w+|bianc[oa]\b|si (?:chiude|blocca|ferma|riavvia)|da sol[oa]|"
            r"bloccat\w+|sparit\w+)"
        ),
    ),
    "nl": (
        2,
        (
            r"\b(?:(?:werkt|opent|laadt|reageert|verschijnt|komt|komen|kan|kunnen|gaat|doet|lukt|klopt|kloppen|"
            r"zie)\b[^.?!]{0,40}\b(?:niet|niets|geen|nooit)\b|uur te (?:laat|vroeg)|sinds (?:de|gisteren|vandaag|"
            r"maandag|vorige)|in plaats van|terwijl|opeens|plotseling|ineens|dubbel|twee keer|leeg|lege|"
            r"verkeerd\w*|verdwenen|verdwijn\w+|traag|vastloop\w*|loopt vast|blijft (?:hangen|leeg|wit))"
        ),
    ),
    "pl": (
        2,
        (
            r"\b(?:nie (?:\w+(?:uje|aje|owuje|eje|ywa|iera)|mogę|można|działa|otwiera|ładuje|wyświetla|zapisuje|"
            r"widać|przychodz|reaguje|da się|drukuje)\w*|zmienia się|znika\w*|zniknę\w*|puste?\b|pusta|dwa razy|"
            r"podwójn\w+|od (?:wczoraj|rana|poniedziałku|aktualizacji)|zamiast|błędn\w+|zły|złe|zła|zawiesza|"
            r"wyskakuje|mimo że)"
        ),
    ),
    "ru": (
        2,
        (
            r"\b(?:не (?:могу|приход|открыва|загруж|сохран|показыва|отобража|работ|вид|отправля|печата|"
            r"запуска)\w*|пуст\w+|пропа\w+|исчез\w+|дважды|два раза|вместо|вдруг|внезапно|со вчерашнего|с утра|"
            r"после обновления|неверн\w+|завис\w+|вылета\w+|пробовал\w*|сбрасыва\w+|чуж\w+|хотя)"
        ),
    ),
    "ja": (
        2,
        (
            r"(?:二|2|三|3)(?:通|回|重|件)(?:届|表示|登録|も)|先週までは|昨日までは|(?:まし|でき|開け|届か|動か|出|表示され|保存され|反映され)(?:ない|ません)|ずれ|"
            r"消え|真っ白|空(?:の|に|白)|止ま(?:る|り|っ)|固ま|落ち(?:る|ます|て)|重い|遅い|違(?:う|い|って)|戻って(?:しま|き)|文字化け|昨日から|今朝から|更新(?:後|"
            r"してから)|勝手に"
        ),
    ),
    "zh": (
        2,
        (
            r"不一样|转圈|进不去|不一致|不对|不见|不显示|不動|不动|打不开|没反应|没有?(?:任何)?反应|收不到|看不到|登不|卡(?:住|死|在)|空白|丢失|重复|重複|错(?:误|了)|乱码|"
            r"又变|变成|无法|不能|很慢|从昨天|自从|更新(?:后|之后|以后)|闪退|失败|多了|少了"
        ),
    ),
    "ko": (2, r"안 (?:됩|돼|되|열|보)|않(?:습니다|아요|네요)|멈(?:춰|춥|췄)|사라(?:졌|집)|어제부터|오류|두 번"),
}
REQUESTS_ABROAD: Mapping[str, tuple[float, str]] = {
    "de": (
        2.5,
        (
            r"\b(?:bitte|könn(?:t|en|ten|test) (?:sie|du|ihr|wir|man)|kannst du|würd\w+ (?:sie|du|ihr|gern\w*)|"
            r"jemand (?:muss|müsste|soll\w*|kann)|(?:muss|müssen|müsste|sollte|sollten) (?:noch|bis|\w+ )?|bis "
            r"(?:zum|spätestens|montag|dienstag|mittwoch|donnerstag|freitag|morgen|ende|\d)|spätestens|wäre "
            r"(?:es )?(?:schön|toll|super|hilfreich|prima|gut)|brauch\w+|benötig\w+|hätte\w* gern\w*|denk\w* "
            r"(?:bitte )?(?:an|daran)|nicht vergessen|hat jemand|hätten sie|wann (?:kann|können|passt|haben)|"
            r"läuft (?:am|zum|ende)\b[^.]{0,20}\baus|interess\w+ (?:an|uns)|bewerb\w+|reservier\w+|bestell(?:en|"
            r"e|t) (?:sie|wir|ich)|vereinbaren|kündig\w+|schick\w*)"
        ),
    ),
    "fr": (
        2.5,
        (
            r"(?:\b(?:pourr(?:iez|ait|ions|ais)|pouvez|peux|peut)[- ](?:vous|tu|on|nous)|\bmerci de\b|"
            r"\bveuillez\b|\bserait-il|\bseriez-vous|\bil (?:nous |me |te |vous )?(?:faut|faudrait)\b|\bavant "
            r"(?:le|lundi|mardi|mercredi|jeudi|vendredi|demain|la fin)|\bsous \d+ jours|\bau plus tard|"
            r"\bj['’]aimerais|\bje (?:voudrais|souhaite)|\bnous (?:voudrions|souhait\w+|avons besoin)|\bbesoin d|"
            r"\bil manque (?:une?|votre|le|la|encore)|\bjustificatif|\bn['’]oublie\w* pas|\bquand (?:pou|peux|"
            r"est-ce)|\bdisponible)"
        ),
    ),
    "es": (
        2.5,
        (
            r"(?:\b(?:pued(?:e|es|en)|podr[ií]a\w*) (?:me |usted |ustedes )?\w+(?:ar|er|ir)|\bpor favor\b|\bhay "
            r"que\b|\bnecesit\w+|\bquisier\w+|\bme (?:gustaría|puedes|pueden|puede|llamas|confirma\w*|envía\w*|"
            r"manda\w*)|\bantes del?\b|\bpara el (?:lunes|martes|miércoles|jueves|viernes|día)|\ba más tardar|"
            r"\bno olvid\w+|\bvence|\bquer(?:emos|ría\w*)|\breserv(?:ar|a de)\b|\bsería posible)"
        ),
    ),
    "pt": (
        2.5,
        (
            r"(?:\b(?:pode|podem|podes|poderia\w*|podemos) (?:me |nos |por favor )?\w+(?:ar|er|ir|nos|me)\b|"
            r"\bpor favor\b|\bpreciso|\bprecisamos|\bgost(?:aria|ava|aríamos)\b|\baté (?:amanhã|segunda|terça|"
            r"quarta|quinta|sexta|o dia|dia|ao|o fim)|\bé preciso|\bnão (?:se )?esqueça|\bquer(?:ia|emos|íamos)|"
            r"\btêm disponib)"
        ),
    ),
    "it": (
        2.5,
        (
            r"(?:\b(?:puoi|può|potete|possiamo|potr\w+) \w+|\bper favore|\bper cortesia|\bbisogna|\bvorr(?:ei|"
            r"emmo)|\bentro (?:il|la|venerdì|lunedì|domani|\w+)|\bserve|\bservono|\bprenotare|\bmi (?:mandi|"
            r"invii|chiami|confermi)|\bsi prega|\bnon dimentic\w+|\bè possibile|\bavete disponib|\bsarebbe "
            r"(?:bello|utile|possibile))"
        ),
    ),
    "nl": (
        2.5,
        (
            r"(?:\b(?:kun|kunt|kan|kunnen|wil|wilt|zou|zouden) (?:je|jij|u|jullie|we|iemand|er)\b|\bgraag\b|"
            r"\balstublieft|\bs\.?v\.?p|\b(?:voor|uiterlijk|tot) (?:maandag|dinsdag|woensdag|donderdag|vrijdag|"
            r"morgen|eind)|\bmoet(?:en)?\b|\bnodig\b|\bniet vergeten|\bgetekend\w* |\bretour)"
        ),
    ),
    "pl": (
        2.5,
        (
            r"(?:\bprosz\w+|\bpros(?:imy|ę)|\bczy (?:mo\w+|mógł\w*|jest|da się|ktoś)|\bpotrzeb\w+|\bdo (?:końca|"
            r"piątku|poniedziałku|wtorku|środy|czwartku|jutra)|\btrzeba|\bchciał\w+|\bnależy|\btermin)"
        ),
    ),
    "ru": (
        2.5,
        (
            r"(?:\bпрос(?:им|ьба)|\bпрошу|\bпожалуйста|\bнадо|\bнужн\w+|\bнеобходимо|\bдавайте|\bможете|\bмогли "
            r"бы|\bможно (?:ли)?|\bдо (?:понедельника|вторника|среды|четверга|пятницы|завтра|конца|\d)|"
            r"\bхотел\w* бы|\bпришлите|\bне забудьте|\bсрок)"
        ),
    ),
    "ja": (
        2.5,
        (
            r"(?:もらえ|いただけ|いただき(?:たい|ます(?:よう|か))|ください|下さい|お願い(?:し|いた|でき)|までに|たいの(?:です|で)|いかがでしょう|ご都合|でしょうか[。?？]?|"
            r"ご(?:確認|返信|連絡|対応|検討|提出)を|して(?:ほしい|欲しい))"
        ),
    ),
    "zh": (
        2.5,
        r"(?:请(?!勿|問)|請(?!勿)|麻烦|能否|可否|可以.{0,12}吗|能不能|需要|希望|之前(?:发|提交|完成|给|回复)|截止|尽快|寄回|签字|盖章|帮(?:我|忙)|安排)",
    ),
    "ko": (2.5, r"(?:주세요|주시|부탁|까지|바랍니다|가능할까요|필요)"),
}
# Language, or languages whose phrases cannot be mistaken for another's -> weight, pattern.
BROADCASTS_ABROAD: Mapping[str, tuple[float, str]] = {
    "nothing to do": (
        6,
        (
            r"\b(?:(?:müssen|musst|brauchen) nichts|nichts (?:weiter|mehr|zu tun)|aucune (?:action|démarche)|"
            r"n'avez rien à faire|no (?:tiene|tienes) que hacer nada|non (?:devi|deve) fare nulla|hoeft niets)\b"
        ),
    ),
    "de": (
        3,
        (
            r"\b(?:ihre bestellung|vielen dank für (?:ihre|ihren|eure|die|deine)|versandt|versendet|zugestellt|"
            r"unterwegs|wurde(?:n)? (?:erfolgreich|heute|bestätigt|bearbeitet)|hat (?:geklappt|funktioniert)|"
            r"läuft (?:wieder|jetzt)|alles (?:klar|bestens|gut|angekommen|erledigt)|passt(?: so| mir)?,|bis "
            r"(?:dann|donnerstag!|morgen!))"
        ),
    ),
    "fr": (
        3,
        (
            r"\b(?:votre (?:commande|colis|paiement|réservation|inscription) (?:est|a été)|merci (?:pour "
            r"(?:votre|tout|ton)|beaucoup|bien|de votre)|bien reçu|sera livrée?|c['’]est (?:parfait|bon|réglé)|"
            r"tout (?:est bon|fonctionne|marche))"
        ),
    ),
    "romance": (
        3,
        (
            r"\b(?:su (?:pedido|pago|reserva|paquete) (?:ha|está)|(?:muchas |mil )?gracias (?:por|a todos)|ya "
            r"(?:quedó|está|funciona)|todo (?:bien|perfecto|listo)|sua (?:encomenda|compra|reserva)|seu "
            r"(?:pedido|pagamento)|recebi tudo|muito obrigad\w|tudo (?:certo|bem|resolvido)|(?:il|la) (?:suo|sua|"
            r"tuo|tua) (?:ordine|prenotazione|pagamento|pacco)|grazie (?:mille|di|per|a)|tutto (?:bene|a posto|"
            r"risolto|ok)|scopri|descubr\w+|découvr\w+|entdeck\w+)"
        ),
    ),
    "north and east": (
        3,
        (
            r"\b(?:uw (?:bestelling|betaling|pakket) (?:is|wordt)|bedankt voor|dank (?:je|u)(?: wel)?|is "
            r"onderweg|alles (?:in orde|goed)|dziękuj\w+ za|(?:twoja|twoje|państwa) (?:paczka|zamówienie|"
            r"płatność)|w drodze|wszystko (?:działa|ok|gra)|спасибо (?:за|большое)|ваш (?:заказ|платеж|платёж)|"
            r"заказ (?:отправлен|доставлен|принят)|вс[её] (?:получил\w*|отлично|хорошо|работает|заработало))"
        ),
    ),
    "cjk": (
        3,
        (
            r"(?:ありがとうございま|おかげさま|無事に|ご注文を?(?:承|ありがとう)|発送(?:いた|しま|され)|了解(?:しま|です)|承知(?:しま|いた)|感谢|謝謝|谢谢(?:你|您|大家|！|"
            r"!)|收到了|已(?:发货|收到|完成|签收|解决)|辛苦了|감사합니다|잘 받았)"
        ),
    ),
}
